"""A place in the log as text for clients: opaque to them, checked when it comes back.

    8 bytes   epoch of the log: a daemon that begins anew, begins another log
    8 bytes   seq
    8 bytes   events of the log up to there, so that the size of a hole is known after its windows are gone
    8 bytes   end of the window, ms; 0 in front of the first
    4 bytes   CRC-32 of these, so that a position with a wrong digit is not one of another place

in base64 of the URL-safe alphabet: 48 characters, of the 64 that the wire contract allows (section 2, "position").
"""

import base64
import binascii
import re
import struct
import zlib

from vizd.log.interfaces import EPOCH_BYTES, ILog
from vizd.log.window import Position

__all__ = ["position_from_text", "position_in", "position_to_text"]

_FIELDS = struct.Struct(f">{EPOCH_BYTES}sQQQ")
_CHECK = struct.Struct(">I")
_TEXT = re.compile(r"[A-Za-z0-9_-]{48}")


def position_to_text(epoch: bytes, position: Position) -> str:
    """``position`` for a client.

    :param epoch: of the log, ``EPOCH_BYTES`` long.
    """
    fields = _FIELDS.pack(epoch, position.seq, position.total_events, position.end_ms or 0)
    return base64.urlsafe_b64encode(fields + _CHECK.pack(zlib.crc32(fields))).decode()


def position_from_text(epoch: bytes, text: str) -> Position:
    """The place that a client names.

    :raises ValueError: it is none of this log.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError("malformed: use one that this daemon has sent")
    try:
        packed = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error as why:
        raise ValueError(f"malformed: {why}") from None
    fields = packed[: _FIELDS.size]
    if _CHECK.pack(zlib.crc32(fields)) != packed[_FIELDS.size :]:
        raise ValueError("malformed: its check digits are wrong")
    theirs, seq, total_events, end_ms = _FIELDS.unpack(fields)
    if theirs != epoch:
        raise ValueError("of another log, or of another life of this one")
    return Position(seq, total_events, end_ms or None)


def position_in(log: ILog, text: str) -> Position:
    """The place of ``log`` that a client names; it may have been trimmed.

    :raises ValueError: it is none.
    """
    position = position_from_text(log.epoch, text)
    if position.seq > log.head.seq:
        raise ValueError("it lies in the future")
    return position
