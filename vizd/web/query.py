"""Query parameters as values; what is wrong with one is said by name.

An unknown parameter is ignored, as an unknown key of a message is: a newer client works with an older daemon.
"""

from collections.abc import Mapping

from vizd.stream.allowance import MAX_KBPS, MIN_KBPS
from vizd.stream.filter import Filter, ids_from_text
from vizd.stream.snapshot import StateWish

__all__ = ["Query"]

_MAX_MS = 2**64 - 1


class Query:
    """The parameters of one request; of one that is given more than once, the last counts.

    Every method raises ``ValueError`` with a text that names the parameter and what would be right.
    """

    def __init__(self, arguments: Mapping[bytes, list[bytes]]) -> None:
        self._arguments = arguments

    def text(self, name: str) -> str | None:
        """As it stands, without spaces around; ``None`` where it is not given."""
        values = self._arguments.get(name.encode())
        return values[-1].decode("utf-8", "replace").strip() if values else None

    def milliseconds(self, name: str) -> int | None:
        """Milliseconds since the Unix epoch; ``None`` where it is not given."""
        return self._number(name, 0, _MAX_MS, "milliseconds since the Unix epoch, such as 1765000000000")

    def range_ms(self) -> tuple[int | None, int | None]:
        """``from`` and ``to``, in milliseconds since the Unix epoch; ``None`` where one is not given."""
        from_ms, to_ms = self.milliseconds("from"), self.milliseconds("to")
        if from_ms is not None and to_ms is not None and from_ms > to_ms:
            raise ValueError(f"from: {from_ms} is behind to, {to_ms}: use a from that is not after to")
        return from_ms, to_ms

    def duration_ms(self, name: str) -> int | None:
        """Milliseconds; ``None`` where it is not given."""
        return self._number(name, 0, _MAX_MS, "a number of milliseconds")

    def count(self, name: str) -> int | None:
        """A number of at least 1; ``None`` where it is not given."""
        return self._number(name, 1, _MAX_MS, "a number of 1 or more")

    def kbps(self, name: str) -> int | None:
        """A budget in kilobits a second; ``None`` where it is not given."""
        return self._number(name, MIN_KBPS, MAX_KBPS, f"kilobits a second, a number from {MIN_KBPS} to {MAX_KBPS}")

    def _number(self, name: str, least: int, most: int, right: str) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
            raise ValueError(f"{name}: {text[:40]!r} is wrong: use {right}")
        return int(text)

    def flag(self, name: str) -> bool:
        """``true`` or ``false``, in any case; false where it is not given."""
        text = (self.text(name) or "false").lower()
        if text not in ("true", "false", "1", "0"):
            raise ValueError(f"{name}: {text[:40]!r} is wrong: use true or false")
        return text in ("true", "1")

    def state(self) -> StateWish:
        """``true``, ``all`` or ``false``, in any case; true where it is not given."""
        text = (self.text("state") or "true").lower()
        wish = {"true": StateWish.NEWEST, "all": StateWish.ALL, "false": StateWish.NONE}.get(text)
        if wish is None:
            raise ValueError(f"state: {text[:40]!r} is wrong: use true, all or false")
        return wish

    def filter(self) -> Filter:
        """From ``types``, ``nodes`` and ``shards``."""
        types = filter(None, map(str.strip, (self.text("types") or "").split(",")))
        nodes, shards = (ids_from_text(name, self.text(name) or "") for name in ("nodes", "shards"))
        return Filter.of(types, nodes, shards)
