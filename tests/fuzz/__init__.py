"""Input that no one means, seeded and bounded: the decoders, the HTTP surface and WebSocket frames of a daemon.

``VIZD_FUZZ_SECONDS`` says how long each test goes on (5), ``VIZD_FUZZ_SEED`` where its random numbers begin (9).
"""
