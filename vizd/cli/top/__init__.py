"""``vizctl top``: the cluster on one screen of a terminal, live."""
