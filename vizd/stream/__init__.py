"""From the log to one client: filters, frames, and the session that decides what is sent."""
