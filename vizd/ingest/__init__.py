"""Nodes in: the gRPC service in its own thread, and what it knows of the publishers."""
