"""Tests of ``vizd.stream``."""
