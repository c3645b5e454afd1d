"""The door of the gRPC port: who may call, how often, and how many at once.

It stands before every method, and reads nothing of a stream that it refuses. Connections it can't see: ``limits``
has their bounds. Wire contract, section 3, "Who may come in".
"""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import grpc

from vizd.access.rates import Rates, party
from vizd.access.tokens import TokenFile
from vizd.ingest.credentials import ServerTls, check_name
from vizd.ingest.limits import Limits
from vizd.ingest.registry import Fault

__all__ = ["Access", "Door", "address_of"]

NO_TOKEN = "grpc_token"  # noqa: S105 -- a reason
TOO_OFTEN = "grpc_rate"
TOO_MANY = "grpc_calls"
TOO_LONG = "grpc_headers"
WRONG_NAME = "grpc_name"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in.

    :ivar tokens: one of which a call must bring; ``None``: it needs none.
    :ivar tls: of the port; ``None``: it speaks in the clear.
    """

    tokens: TokenFile | None = None
    tls: ServerTls | None = None
    limits: Limits = field(default_factory=Limits)


class Door:
    """Lives in the gRPC thread."""

    def __init__(self, access: Access, refused: Callable[[str, str], object], monotonic: Callable[[], float]) -> None:
        """
        :param refused: told the reason, one of five, and whom it was.
        :param monotonic: seconds, from anywhere.
        """
        self._tokens = access.tokens
        self._limits = limits = access.limits
        self._asks_for_certificate = access.tls is not None and access.tls.client_ca is not None
        self._refused = refused
        self._streams = Rates(limits.streams_per_s, limits.streams_burst, monotonic)
        self._side = Rates(limits.side_calls_per_s, limits.side_calls_burst, monotonic)
        self._side_calls: Counter[str] = Counter()

    def for_nodes(self, method: "Method") -> "Method":
        """``method``, for those who bring a token."""

        async def guarded(request: Any, context: Any) -> Any:
            await self._check_length(context)
            await self._check_token(context)
            await self._check_rate(self._streams, context)
            return await method(request, context)

        return guarded

    def on_the_side(self, method: "Method", *, needs_token: bool) -> "Method":
        """``method``, whose calls must not take the places of nodes."""

        async def guarded(request: Any, context: Any) -> Any:
            await self._check_length(context)
            if needs_token:
                await self._check_token(context)
            await self._check_rate(self._side, context)
            async with self._side_place(context):
                return await method(request, context)

        return guarded

    def check_name(self, context: Any, node_name: str) -> None:
        """What a node calls itself, against its certificate, where one is asked for.

        :raises Fault: they are not the same.
        """
        if not self._asks_for_certificate:
            return
        try:
            check_name(context.auth_context(), node_name)
        except Fault:
            self._refused(WRONG_NAME, address_of(context.peer()))
            raise

    async def _check_length(self, context: Any) -> None:
        # gRPC itself holds a peer to the bound only once he has acknowledged its settings; until then it is 16 MiB.
        if sum(len(key) + len(value) for key, value in context.invocation_metadata()) > self._limits.metadata_bytes:
            await self._refuse(
                context,
                TOO_LONG,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"over {self._limits.metadata_bytes} bytes of metadata: send less",
            )

    async def _check_token(self, context: Any) -> None:
        if self._tokens is None or self._tokens.allows(_authorization(context.invocation_metadata())):
            return
        await self._refuse(
            context,
            NO_TOKEN,
            grpc.StatusCode.UNAUTHENTICATED,
            "a token that the daemon knows is needed, as metadata: authorization: Bearer TOKEN",
        )

    async def _check_rate(self, rates: Rates, context: Any) -> None:
        if not rates.allows(party(address_of(context.peer()))):
            await self._refuse(
                context,
                TOO_OFTEN,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "too many calls from this address: wait longer between them",
            )

    @contextlib.asynccontextmanager
    async def _side_place(self, context: Any) -> AsyncIterator[None]:
        address, calls = party(address_of(context.peer())), self._side_calls
        if calls.total() >= self._limits.side_calls or calls[address] >= self._limits.side_calls_of_an_address:
            await self._refuse(
                context,
                TOO_MANY,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "too many calls of health and reflection at once: end some",
            )
        calls[address] += 1
        try:
            yield
        finally:
            calls[address] -= 1
            if not calls[address]:
                del calls[address]

    async def _refuse(self, context: Any, reason: str, status: grpc.StatusCode, details: str) -> None:
        self._refused(reason, address_of(context.peer()))
        await context.abort(status, details)  # It raises.


Method = Callable[[Any, Any], Awaitable[Any]]
"""Of a request, or the requests, and the context of the call."""


def address_of(peer: str) -> str:
    """The host in what gRPC calls a peer, such as ``ipv4:192.0.2.1:4711``."""
    _, _, rest = peer.partition(":")
    host, _, _ = unquote(rest).rpartition(":")
    return host.strip("[]") or peer


def _authorization(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    found = [value for key, value in metadata if key == "authorization"]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None
