"""The folds over the log: what is known of the cluster at a place of it. Pure."""
