"""What comes through a WebSocket, counted as it comes: one frame after the other, none of them kept.

A thousand of these are read by one process that shares a core with others, so a frame costs a look at its first bytes.
"""

import struct
from array import array
from typing import Literal

__all__ = ["HEAD_BYTES", "PONG", "Stream"]

HEAD_BYTES = 112
"""Of a frame: in so many its header, its type and its window's end are to be found, in both encodings."""
PONG = b"\x8a\x80\0\0\0\0"
"""An empty one, masked with zeros: a sign of life."""
_PING = 9
_U16, _U64 = struct.Struct(">H"), struct.Struct(">Q")
_JSON_NUMBER, _PACKED_U64 = ord('"'), 0xCF


class Stream:
    """One connection, behind its handshake.

    :ivar batches: that have come. :ivar size_bytes: of all payloads. :ivar gaps: declared by the daemon.
    :ivar wants_pong: a ping has come; whoever answers it sets it back.
    :ivar late_ms: where the lateness of each batch goes: its receipt, when it was complete, minus its window's end;
        ``None``: nowhere. One of the state has none: it says what was true, whenever there is room for it.
    :ivar windows: start and end of each batch, in ms, where they are asked for.
    """

    __slots__ = (
        "_end_ms",
        "_is_state",
        "_left",
        "_tail",
        "batches",
        "gaps",
        "late_ms",
        "size_bytes",
        "wants_pong",
        "windows",
    )

    def __init__(self, late_ms: "array[float] | None", *, is_watched: bool = False) -> None:
        self.late_ms = late_ms
        self.windows: list[tuple[int, int]] | None = [] if is_watched else None
        self.batches = self.size_bytes = self.gaps = 0
        self.wants_pong = False
        self._tail = b""
        self._left = 0
        self._end_ms: int | None = None
        self._is_state = False

    def take(self, buffer: bytearray, end: int, now_ms: float) -> None:
        """The next bytes.

        :param buffer: they are the first ``end`` of it. :param now_ms: when they came, ms since the Unix epoch.
        """
        if self._tail:
            buffer = bytearray(self._tail + buffer[:end])
            end = len(buffer)
            self._tail = b""
        at = 0
        while at < end:
            if not self._left:
                behind = self._begin(buffer, at, end)
                if behind is None:
                    self._tail = bytes(buffer[at:end])
                    return
                at = behind
            step = min(self._left, end - at)
            at += step
            self._left -= step
            if not self._left and self._end_ms is not None:
                self.batches += 1
                if self.late_ms is not None and not self._is_state:
                    self.late_ms.append(now_ms - self._end_ms)

    def _begin(self, buffer: bytearray, at: int, end: int) -> int | None:
        """Where the payload begins of the frame that begins there; ``None``: too little of it has come."""
        if end - at < 2:
            return None
        opcode, size, begins = buffer[at] & 0x0F, buffer[at + 1], at + 2
        if size >= 126:
            length: struct.Struct = _U16 if size == 126 else _U64
            begins += length.size
            if end < begins:
                return None
            size = length.unpack_from(buffer, at + 2)[0]
        if end < min(begins + size, at + HEAD_BYTES):
            return None
        self._left = size
        self.size_bytes += size
        self._end_ms = None
        if opcode == _PING:
            self.wants_pong = True
            return begins
        head_end = min(begins + size, at + HEAD_BYTES)
        self._end_ms = _bound(buffer, begins, head_end, b"window_end")
        if self._end_ms is None:
            self.gaps += buffer.find(b"gap", begins, begins + 16) >= 0
            return begins
        start_ms = _bound(buffer, begins, head_end, b"window_start") or 0
        self._is_state = start_ms == self._end_ms
        if self.windows is not None:
            self.windows.append((start_ms, self._end_ms))
        return begins


def _bound(buffer: bytearray, begins: int, end: int, name: Literal[b"window_start", b"window_end"]) -> int | None:
    at = buffer.find(name, begins, end)
    if at < 0:
        return None
    at += len(name)
    if buffer[at] == _JSON_NUMBER:
        return int(buffer[at + 2 : buffer.index(b",", at)])
    if buffer[at] == _PACKED_U64:
        return int(_U64.unpack_from(buffer, at + 1)[0])
    return None
