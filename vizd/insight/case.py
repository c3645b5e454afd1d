"""One subject of a rule for which its condition holds, or lately did."""

from typing import Any

import msgspec

from vizd.insight.finding import Finding
from vizd.log.window import Position

__all__ = ["Case"]

_POSITIONS = 4
"""Of the first, and of the last, that are kept as evidence."""


class Case(msgspec.Struct, array_like=True, eq=False):
    """One subject.

    :ivar key: names it among those of its rule. :ivar since_ms: since when the condition holds.
    :ivar span_ms: from when on a hole in what its witnesses said would matter.
    :ivar seen_ms: when it was said to hold last. :ivar lapses_ms: it does no longer, unless it is said again by then.
    :ivar ceased_ms: since when it does not hold; ``None``: it does.
    :ivar witnesses: nodes that could have said otherwise, if only their events are all there.
    :ivar finding: as it was told last; ``None``: it is not open yet. :ivar told_ms: when that was.
    :ivar due_ms: when it is to be looked at again; ``turn``: see ``Due``.
    """

    key: str
    subject: dict[str, Any]
    since_ms: int
    span_ms: int
    seen_ms: int
    detail: str = ""
    conclusive: bool = True
    witnesses: frozenset[int] = frozenset()
    lapses_ms: int | None = None
    ceased_ms: int | None = None
    first: list[Position] = []
    last: list[Position] = []
    finding: Finding | None = None
    told_ms: int = 0
    due_ms: int | None = None
    turn: int = 0

    def note(self, position: Position) -> None:
        """This shows it, too."""
        if self.first and (self.last or self.first)[-1] == position:
            return
        if len(self.first) < _POSITIONS:
            self.first.append(position)
        else:
            self.last.append(position)
            del self.last[:-_POSITIONS]
