"""The client library for programs of Twisted."""
