"""What can happen inside a node: one table of data, and what is read from it."""
