"""What a client of ``/ws/events`` wants, and where in the log it stands, without a socket.

Whoever has the socket asks ``Course.query`` for each connection and tells ``Course.heard`` of each message.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from vizd.client.messages import FromDaemon, message_from_json, message_from_messagepack

__all__ = ["Course", "Subscription"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """The wire contract, section "Dashboards out"; what is empty or ``None`` is left to the daemon.

    :ivar nodes: a filter, and so ``types`` (in any case) and ``shards``; an empty one is no limit.
    :ivar position: go on behind it; of a message of an earlier connection.
    :ivar state: what comes first: the state with at most 5,000 events, ``all`` of it, or ``none``.
    :ivar max_kbps: a budget in kilobits a second; then batches are thinned, and count what they lack.
    :ivar max_lag_ms: how far behind before the daemon jumps to its head; 0: never.
    :ivar findings: what the daemon finds wrong comes, too.
    :ivar json: JSON instead of MessagePack, for whoever reads along.
    """

    nodes: Sequence[int] = ()
    types: Sequence[str] = ()
    shards: Sequence[int] = ()
    position: str | None = None
    state: Literal["default", "all", "none"] = "default"
    max_kbps: int | None = None
    max_lag_ms: int | None = None
    findings: bool = False
    json: bool = False


class Course:
    """A subscription over all its connections.

    :ivar position: behind what was heard last; ``None``: the next connection begins with the state, or at the head.
    :ivar is_paused: and so it is to be told again.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._wanted = subscription
        self.position = subscription.position
        self.is_paused = False

    @property
    def wanted(self) -> Subscription:
        """With the filter as it is now."""
        return self._wanted

    def query(self) -> str:
        """Of the next connection."""
        wanted = self._wanted
        said: dict[str, str] = {}
        for name in ("nodes", "types", "shards"):
            if values := getattr(wanted, name):
                said[name] = ",".join(map(str, values))
        if wanted.state != "default":
            said["state"] = {"all": "all", "none": "false"}[wanted.state]
        for name in ("max_kbps", "max_lag_ms"):
            if (value := getattr(wanted, name)) is not None:
                said[name] = str(value)
        said |= {name: "true" for name in ("findings", "json") if getattr(wanted, name)}
        if self.position is not None:
            said["position"] = self.position
        return urlencode(said, safe=",")

    def heard(self, frame: str | bytes) -> FromDaemon | None:
        """The message that a frame holds; ``None``: of a type that a newer daemon knows.

        :raises ValueError: it is none.
        """
        message = message_from_json(frame) if isinstance(frame, str) else message_from_messagepack(frame)
        position = getattr(message, "position", None)
        if position is not None:
            self.position = position
        return message

    def filtered(self, nodes: Iterable[int], types: Iterable[str], shards: Iterable[int]) -> bytes:
        """Another filter from now on, here and in connections to come; the message that says so."""
        self._wanted = dataclasses.replace(self._wanted, nodes=tuple(nodes), types=tuple(types), shards=tuple(shards))
        wanted = self._wanted
        return said("filter", nodes=list(wanted.nodes), types=list(wanted.types), shards=list(wanted.shards))

    def paused(self) -> bytes:
        """Likewise."""
        self.is_paused = True
        return said("pause")

    def resumed(self, catch_up: bool) -> bytes:
        """Likewise."""
        self.is_paused = False
        return said("resume", catch_up=catch_up)


def said(kind: str, **fields: Any) -> bytes:
    """A message to the daemon, in MessagePack; what is ``None`` is left out."""
    return msgspec.msgpack.encode({"type": kind} | {name: each for name, each in fields.items() if each is not None})
