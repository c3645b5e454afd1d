"""The log in a directory, in SQLite: history that survives a restart.

Not pure, unlike the rest of the log: files and threads live here, and nothing else of the house knows them.
"""
