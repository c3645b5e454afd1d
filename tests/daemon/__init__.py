"""Tests of the daemon as a process, through clients that are not ours."""
