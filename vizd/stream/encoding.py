"""Messages to a client as bytes, in the two encodings.

JSON is canonical and MessagePack is its image: an event's MessagePack is made from its JSON, so that the two
cannot say different things.
"""

from collections.abc import Sequence
from typing import Any

import msgpack
import msgspec
from zope.interface import implementer

from vizd.events.catalogue import TYPES
from vizd.log.block import apart
from vizd.stream.interfaces import IEncoder

__all__ = ["JSON", "MESSAGEPACK"]

_parse = msgspec.json.Decoder().decode
_pack = msgspec.msgpack.Encoder().encode
_COUNTS = [f"{each.count}_count" for each in TYPES]


@implementer(IEncoder)
class _Json:
    name = "json"
    is_binary = False
    _tail = '],"summary":{' + ",".join(f'"{name}":%d' for name in _COUNTS) + "}}"

    def message(self, fields: dict[str, Any]) -> bytes:
        """See ``IEncoder``."""
        return msgspec.json.encode(fields)

    def events(self, fragments: Sequence[bytes]) -> Sequence[bytes]:
        """See ``IEncoder``."""
        return fragments

    def data(self, start_ms: int, end_ms: int, events: Sequence[bytes], counts: Sequence[int]) -> bytes:
        """See ``IEncoder``."""
        return b"".join(self.pieces(start_ms, end_ms, events, counts))

    def pieces(
        self, start_ms: int, end_ms: int, events: Sequence[bytes], counts: Sequence[int]
    ) -> tuple[bytes, bytes, bytes]:
        """The same, for whoever puts it together with more; a single long text of events is not copied."""
        begin = b'{"window_start":%d,"window_end":%d,"events":[' % (start_ms, end_ms)
        return begin, b",".join(events), (self._tail % tuple(counts)).encode()

    def batch(self, data: bytes, extras: dict[str, Any]) -> bytes:
        """See ``IEncoder``."""
        tail = b"," + msgspec.json.encode(extras)[1:] if extras else b"}"
        return b"".join((b'{"type":"batch","data":', data, tail))


@implementer(IEncoder)
class _MessagePack:
    name = "messagepack"
    is_binary = True

    def message(self, fields: dict[str, Any]) -> bytes:
        """See ``IEncoder``."""
        return msgpack.packb(fields)

    def events(self, fragments: Sequence[bytes]) -> Sequence[bytes]:
        """See ``IEncoder``."""
        # One after the other: all values of a window at once would be enough for the garbage collector to stop
        # everything for milliseconds.
        return [_pack(_parse(event)) for text in fragments for event in apart(text)]

    def data(self, start_ms: int, end_ms: int, events: Sequence[bytes], counts: Sequence[int]) -> bytes:
        """See ``IEncoder``."""
        pack = msgpack.Packer()
        bounds = msgpack.packb({"window_start": start_ms, "window_end": end_ms})[1:]
        array = pack.pack_array_header(len(events))
        summary = msgpack.packb(dict(zip(_COUNTS, counts, strict=True)))
        return b"".join((
            pack.pack_map_header(4), bounds, msgpack.packb("events"), array, *events, msgpack.packb("summary"), summary,
        ))  # fmt: skip

    def batch(self, data: bytes, extras: dict[str, Any]) -> bytes:
        """See ``IEncoder``."""
        header = msgpack.Packer().pack_map_header(2 + len(extras))
        kind = msgpack.packb({"type": "batch"})[1:]
        return b"".join((header, kind, msgpack.packb("data"), data, msgpack.packb(extras)[1:]))


JSON = _Json()
MESSAGEPACK = _MessagePack()
