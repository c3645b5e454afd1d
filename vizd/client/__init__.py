"""What nodes and tools use to talk to a daemon; public, see ``docs/client.md``."""
