"""The one append-only log of windows, which every reader is a cursor over."""
