"""Generated protobuf modules, and nothing else: see ``protos/generate.py``."""
