"""Tests of ``vizd.web``."""
