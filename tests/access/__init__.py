"""Tests of ``vizd.access``."""
