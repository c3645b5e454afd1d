"""What the descriptions say, and whether they are descriptions."""
