"""What nodes and tools use to talk to the daemon: the publisher."""
