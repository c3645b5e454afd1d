"""Closing gRPC channels of tests."""

import threading

import grpc

__all__ = ["let_go"]

PATIENCE_S = 5.0


def let_go(channel: grpc.Channel) -> None:
    """Close ``channel``, and wait for that only so long.

    gRPC's blocking client waits in ``close`` for its calls to end, and on a machine that is busy it can miss that
    one did: three runs out of three, side by side, hung there for ever.
    """
    closing = threading.Thread(target=channel.close, daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
