"""Mirrors ``vizd/journal/``."""
