"""Files of tokens: a token a line, read again when the file changes.

Nothing here says or keeps a token: what is held is its digest, and what is wrong in a file is told by the number
of the line. Any thread may ask.
"""

import hashlib
import hmac
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

__all__ = ["TokenFile"]

MAX_FILE_BYTES = 64 * 1024
MAX_TOKENS = 256
"""A token for each person or team; each is compared with every one that is brought, so a few microseconds."""
LOOK_EVERY_S = 1.0
"""At the file's date and size, and only when somebody asks."""
TELL_EVERY_S = 60.0
"""That a file can't be used, while that stays so."""

_TOKEN = re.compile(rb"[A-Za-z0-9_-]+")
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+) *", re.ASCII | re.IGNORECASE)
_RIGHT = "use a file with a token a line, of letters, digits, - and _"


class TokenFile:
    """The tokens in force: those of the file, or the last ones that could be read of it."""

    _log = Logger()

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """
        :param monotonic: seconds, from anywhere.
        :raises ValueError: the file can't be used; the text says why and what would be right.
        """
        self._path = path
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_s = monotonic()
        self._told: str | None = None
        self._told_s = 0.0
        self._seen, self._digests = _read(path)

    def allows(self, header: str | None) -> bool:
        """Whether ``header``, the value of ``Authorization`` (``Bearer T``), brings a token in force.

        The time that it takes says nothing about the tokens.
        """
        self._look()
        found = _BEARER.fullmatch(header or "")
        if not found:
            return False
        digest = _digest(found[1].encode())
        is_known = False
        for each in self._digests:
            is_known |= hmac.compare_digest(digest, each)
        return is_known

    def _look(self) -> None:
        """Read the file again if it has changed. Whoever finds another thread at it goes on with what is there."""
        now_s = self._monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked_s = now_s
            if _look_at(self._path) == self._seen:
                self._told = None
                return
            self._seen, self._digests = _read(self._path)
            self._told = None
            self._log.info("{path} has changed: {count} tokens are in force", path=self._path, count=len(self._digests))
        except (OSError, ValueError) as why:
            self._tell(getattr(why, "strerror", None) or str(why), now_s)
        finally:
            self._lock.release()

    def _tell(self, trouble: str, now_s: float) -> None:
        if trouble != self._told or now_s - self._told_s >= TELL_EVERY_S:
            self._told, self._told_s = trouble, now_s
            self._log.warn("{path}: {trouble}; the last tokens stay in force", path=self._path, trouble=trouble)


def _look_at(path: Path) -> tuple[int, ...]:
    return _stamp(path.stat())


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev


def _read(path: Path) -> tuple[tuple[int, ...], tuple[bytes, ...]]:
    """What tells this version of the file from another, and the digests of its tokens.

    :raises ValueError: it can't be used.
    """
    try:
        # Of a pipe even the opening could wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            # Taken first: whatever is written while it is read is a change that is seen later.
            found = os.fstat(file.fileno())
            content = file.read(MAX_FILE_BYTES + 1) if stat.S_ISREG(found.st_mode) else None
    except (OSError, ValueError) as why:  # A name with a zero byte is a ValueError.
        raise ValueError(f"it can't be read ({getattr(why, 'strerror', None) or why}); {_RIGHT}") from None
    if content is None:
        raise ValueError(f"it is not a regular file; {_RIGHT}")
    return _stamp(found), _digests(content)


def _digests(content: bytes) -> tuple[bytes, ...]:
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it is over {MAX_FILE_BYTES} bytes long; {_RIGHT}")
    digests = set()
    for number, line in enumerate(content.split(b"\n"), 1):
        token = line.strip()
        if token and not _TOKEN.fullmatch(token):
            raise ValueError(f"line {number} is no token; {_RIGHT}")
        if token:
            digests.add(_digest(token))
    if not digests:
        raise ValueError(f"there is no token in it; {_RIGHT}")
    if len(digests) > MAX_TOKENS:
        raise ValueError(f"it has over {MAX_TOKENS} tokens; use fewer")
    return tuple(digests)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
