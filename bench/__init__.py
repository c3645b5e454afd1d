"""What the daemon does under load, measured from outside: see README.md."""
