"""Who may come in, for HTTP and gRPC alike: tokens, and how often one may try."""
