"""What a filter lets pass of a view, in the view's order, looked at a few entries a turn."""

from collections.abc import Callable, Sequence
from itertools import compress

from vizd.events.facet import Facet
from vizd.state.view import Slice, View
from vizd.stream.filter import Filter

__all__ = ["Walk"]

LOOKED_AT_PER_TURN = 4_096
"""Entries of a view: about 0.4 ms."""


class Walk:
    """Over one view: transitions, then phases, then gauges, the newest first in each.

    :ivar facets: of what was found and not taken yet. :ivar fragments: its events, as JSON.
    :ivar is_read: nothing more will be found. :ivar is_truncated: there was more in the cluster's state than comes.
    """

    def __init__(self, view: View, by: Filter, most: int, newer_than_ms: int | None = None) -> None:
        """
        :param most: of events to find. :param newer_than_ms: only what came in windows that ended later.
        """
        self._newer_than_ms = newer_than_ms
        self._slices = view.slices()
        self._filter = by
        self._room = most
        self.facets: list[Facet] = []
        self.fragments: list[bytes] = []
        self.is_read = False
        self.is_truncated = view.truncated

    def __len__(self) -> int:
        """What was found and not taken yet."""
        return len(self.facets)

    def look(self, enough: int) -> None:
        """Look at the next entries: until so many wait to be taken, or as many as one turn has time for."""
        left = LOOKED_AT_PER_TURN
        while left > 0 and len(self) < enough and not self.is_read:
            part = next(self._slices, None)
            if part is None:
                self.is_read = True
                return
            left -= max(1, len(part.facets))
            self._find(part)

    def _find(self, part: Slice) -> None:
        facets, fragments = part.facets, part.fragments
        if self._newer_than_ms is not None:
            newer = list(map(self._newer_than_ms.__lt__, part.ends_ms))
            facets, fragments = list(compress(facets, newer)), list(compress(fragments, newer))
        if not self._filter.is_open:
            verdicts = list(map(self._filter.verdicts.__getitem__, facets))
            facets, fragments = list(compress(facets, verdicts)), list(compress(fragments, verdicts))
        if len(facets) > self._room:
            self.is_truncated = self.is_read = True
        self.facets += facets[: self._room]
        self.fragments += fragments[: self._room]
        self._room -= min(len(facets), self._room)

    def take(self, count: int) -> tuple[Sequence[Facet], Sequence[bytes]]:
        """The next so many of what was found."""
        taken = self.facets[:count], self.fragments[:count]
        self.facets, self.fragments = self.facets[count:], self.fragments[count:]
        return taken

    def keep(self, wanted: Callable[[Facet, bytes], bool]) -> None:
        """Of what was found and not taken yet, only this."""
        verdicts = list(map(wanted, self.facets, self.fragments))
        self.facets = list(compress(self.facets, verdicts))
        self.fragments = list(compress(self.fragments, verdicts))
