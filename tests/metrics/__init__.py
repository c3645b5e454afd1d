"""Mirrors ``vizd/metrics/``."""
