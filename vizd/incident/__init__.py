"""An incident in a file: what happened in a span of time, and how it was at its beginning."""
