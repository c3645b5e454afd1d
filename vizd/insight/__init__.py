"""What is wrong in the cluster: small rules, each a fold over the windows of the log. Pure."""
