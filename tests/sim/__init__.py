import os

# gRPC's core prints a line for every connection that a test's daemon drops.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
