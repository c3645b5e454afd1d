"""The benchmarks' own parts: those that judge the daemon are tested themselves."""
