"""What a daemon answers over HTTP, for asyncio: the wire contract, section "HTTP".

    async with Api("http://127.0.0.1:9090") as api:
        print((await api.stats())["connected_clients"])
        async for item in api.history(types=["raft"]):
            ...

What can go wrong is one exception, whose text is a line for people: ``DaemonError``.
"""

import ssl
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from vizd.client.address import Address, Token
from vizd.client.trouble import DaemonError, from_refusal, said_by

__all__ = ["Api"]

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Of an answer that is taken as a whole; a history is not."""
MAX_LINE_BYTES = 64 * 1024 * 1024
"""Of a history: a window is at most about 2 MiB."""
_MAX_REFUSAL_BYTES = 64 * 1024

_decode = msgspec.json.Decoder().decode


class Api:
    """One daemon. All times are milliseconds since the Unix epoch; every method raises ``DaemonError``."""

    def __init__(
        self, url: str, *, token: Token | None = None, ca: Path | None = None, timeout_s: float = 10.0
    ) -> None:
        """
        :param url: such as ``http://127.0.0.1:9090``.
        :param token: as in ``Address``.
        :param ca: likewise.
        :param timeout_s: to connect, and without any byte of an answer, in seconds.
        :raises ValueError: the URL or ``ca`` can't be used.
        """
        self.address = Address(url, token, ca)
        tls: ssl.SSLContext | bool = self.address.tls() or True
        # No proxy from the environment: a token is for the daemon alone.
        self._http = httpx.AsyncClient(base_url=self.address.url, verify=tls, timeout=timeout_s, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    async def stats(self) -> dict[str, Any]:
        """``/api/stats``."""
        return await self._ask("/api/stats", {})

    async def health(self) -> dict[str, Any]:
        """``/health``, also where the daemon says that it is not well."""
        return await self._ask("/health", {}, also=(503,))

    async def state(
        self,
        *,
        at_ms: int | None = None,
        nodes: Iterable[int] = (),
        types: Iterable[str] = (),
        shards: Iterable[int] = (),
    ) -> dict[str, Any]:
        """``/api/state``: the newest event of each key.

        :param at_ms: as of then; ``None``: now.
        """
        return await self._ask("/api/state", {"at": at_ms, **_filter(nodes, types, shards)})

    async def coverage(self, *, from_ms: int | None = None, to_ms: int | None = None) -> dict[str, Any]:
        """``/api/coverage``: of each node, what is missing."""
        return await self._ask("/api/coverage", {"from": from_ms, "to": to_ms})

    async def insight(self) -> dict[str, Any]:
        """``/api/insight``: what is wrong."""
        return await self._ask("/api/insight", {})

    async def timeline(
        self,
        *,
        from_ms: int | None = None,
        to_ms: int | None = None,
        step_ms: int | None = None,
        nodes: Iterable[int] = (),
    ) -> dict[str, Any]:
        """``/api/timeline``: a value a step."""
        asked = {"from": from_ms, "to": to_ms, "step_ms": step_ms, **_filter(nodes, (), ())}
        return await self._ask("/api/timeline", asked)

    async def history(
        self,
        *,
        from_ms: int | None = None,
        to_ms: int | None = None,
        nodes: Iterable[int] = (),
        types: Iterable[str] = (),
        shards: Iterable[int] = (),
        limit: int | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """``/api/history``, item by item as it comes: what does not fit in memory is no trouble.

        Who may break off closes it: ``async with aclosing(api.history()) as items``.

        Each is a map: a batch (``window_start``, ``window_end``, ``events``, ``summary``), or ``{"gap": {...}}``, and
        at last the totals, ``{"total_events": .., "next_from": ..}``. An answer that ends without these was cut off,
        which is a ``DaemonError``.
        """
        asked = {"from": from_ms, "to": to_ms, "limit": limit, **_filter(nodes, types, shards)}
        where = f"{self.address.url}/api/history"
        accept = {"Accept": "application/x-ndjson", **self.address.headers()}
        is_whole = False
        try:
            async with self._http.stream("GET", "/api/history", params=_said(asked), headers=accept) as response:
                if response.status_code != 200:
                    raise await _refusal(where, response)
                async with aclosing(_lines(where, response)) as lines:
                    async for line in lines:
                        item = _map(where, line)
                        is_whole = "total_events" in item
                        yield item
        except httpx.HTTPError as error:
            raise self._unreachable(where, error) from None
        if not is_whole:
            raise DaemonError(f"{where}: the answer was cut off", may_pass=True)

    async def _ask(
        self, path: str, asked: Mapping[str, str | int | None], also: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        where = f"{self.address.url}{path}"
        try:
            async with self._http.stream("GET", path, params=_said(asked), headers=self.address.headers()) as response:
                if response.status_code not in (200, *also):
                    raise await _refusal(where, response)
                return _map(where, await _body(where, response, MAX_ANSWER_BYTES))
        except httpx.HTTPError as error:
            raise self._unreachable(where, error) from None

    def _unreachable(self, where: str, error: httpx.HTTPError) -> DaemonError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return DaemonError(f"no daemon at {self.address.url}: {_why(error)}", may_pass=True)
        return DaemonError(f"{where}: {_why(error)}", may_pass=True)


def _filter(nodes: Iterable[int], types: Iterable[str], shards: Iterable[int]) -> dict[str, str | int | None]:
    lists = {"nodes": nodes, "types": types, "shards": shards}
    return {name: ",".join(map(str, each)) or None for name, each in lists.items()}


def _said(asked: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in asked.items() if value is not None}


def _map(where: str, text: bytes | bytearray) -> dict[str, Any]:
    try:
        item = _decode(text)
    except msgspec.DecodeError as error:
        raise DaemonError(f"{where}: this is not norikv-vizd's JSON ({error})") from None
    if not isinstance(item, dict):
        raise DaemonError(f"{where}: a map was expected: is that norikv-vizd?")
    return item


async def _body(where: str, response: httpx.Response, most_bytes: int) -> bytes:
    pieces, size = [], 0
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise DaemonError(f"{where}: an answer of more than {most_bytes >> 20} MiB: ask for less of it")
    return b"".join(pieces)


async def _refusal(where: str, response: httpx.Response) -> DaemonError:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _MAX_REFUSAL_BYTES:
            break
    return from_refusal(where, response.status_code, body, response.headers.get("Retry-After"))


async def _lines(where: str, response: httpx.Response) -> AsyncGenerator[bytes, None]:
    rest = bytearray()
    async for piece in response.aiter_bytes():
        *whole, last = piece.split(b"\n")
        for line in whole:
            yield bytes(rest) + line
            rest.clear()
        rest += last
        if len(rest) > MAX_LINE_BYTES:
            raise DaemonError(f"{where}: a line of more than {MAX_LINE_BYTES >> 20} MiB: is that norikv-vizd?")
    if rest:
        raise DaemonError(f"{where}: the answer was cut off", may_pass=True)


def _why(error: httpx.HTTPError) -> str:
    """The innermost cause: the ones around it only say that something failed."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(cause, OSError):
        return said_by(cause)
    return str(cause) or str(error) or type(error).__name__
