"""What becomes of publishers, dashboards and scripts whose network is bad, and of the daemon that they talk to."""
