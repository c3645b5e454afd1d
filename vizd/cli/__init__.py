"""``vizctl``: a daemon, looked at and fed from a terminal."""
