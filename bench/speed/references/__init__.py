"""What the daemon is compared with: each a process that does one thing, and as little beside it as it can."""
