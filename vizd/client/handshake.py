"""What ``websockets`` says of a connection, as trouble for people: the same for asyncio and Twisted."""

from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode

from vizd.client.address import Address
from vizd.client.trouble import DaemonError, from_refusal, said_by

__all__ = ["CLOSE_WITHIN_S", "MAX_MESSAGE_BYTES", "MAX_WAITING_MESSAGES", "end_of", "not_connected"]

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The daemon ends a message at the window that brings it to 1 MiB, and a window is at most about 2."""
MAX_WAITING_MESSAGES = 16
"""Whoever is slower than the stream is not read for: the rest waits in the daemon's log."""
CLOSE_WITHIN_S = 2.0


def not_connected(address: Address, error: Exception, timeout_s: float) -> DaemonError:
    """Why there is no connection.

    :raises Exception: ``error`` itself, where it is a fault of ours.
    """
    where = address.websocket_url
    match error:
        case InvalidStatus(response=answer):
            retry_after = answer.headers.get("Retry-After")
            return from_refusal(where, answer.status_code, bytes(answer.body or b""), retry_after)
        case InvalidHandshake():
            return DaemonError(f"{where}: no WebSocket there ({error}): is that norikv-vizd?")
        case TimeoutError():
            return DaemonError(f"no answer from {where} within {timeout_s:g} s", may_pass=True)
        case OSError():
            return DaemonError(f"no daemon at {address.url}: {said_by(error)}", may_pass=True)
    raise error


def end_of(code: int | None, reason: str | None) -> str:
    """How a connection ended."""
    if code == CloseCode.GOING_AWAY:
        return "the daemon is stopping"
    if code is None or code == CloseCode.ABNORMAL_CLOSURE:
        return "the connection broke"
    return f"closed with {code}" + (f" ({reason})" if reason else "")
