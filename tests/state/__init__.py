"""Tests of ``vizd.state``."""
