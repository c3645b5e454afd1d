"""A NoriKV cluster that behaves, for demonstrations, tests and measurements."""
