"""What ``--data-dir`` costs, how quick a start and a query are, and what is lost when the daemon is killed."""
