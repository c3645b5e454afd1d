"""Tests of the built-in page: in a real browser, against the real daemon, with nodes over gRPC."""
