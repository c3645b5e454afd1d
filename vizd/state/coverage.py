"""What the log has of each node: everything, less by so many events, or nothing.

A fold over the marks of the log's windows. A window counts where it starts.

- *lossy*: the second of the window in which events were told to be lost. When they would have come nobody knows; it
  was before.
- *disconnected*: from the start of the window in which the node's stream ended to the start of the one in which the
  next began. What it does in the meantime it may send later; that then stands in later windows.
- the same where windows of the log can't be read any more: of each node that was connected, how many events they had
  nobody knows.
- *complete*: the rest, since the node was first seen. Before that nothing is said: no log can tell who was missing.

All processes of one ``Hello.node`` are one node; its name is that of the newest. Only a mark that says "connected"
brings in a new process: where several daemons write one log, what an older one sent, or its disconnecting, may come
later.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from vizd.log.window import Mark, Window
from vizd.state.copied import CopiedDict, Entries
from vizd.state.covered import COMPLETE, DISCONNECTED, LOSSY, Covered, CoveredNode, covered_nodes
from vizd.state.pieces import Codec
from vizd.state.spans import adjacent_joined

__all__ = ["COMPLETE", "DISCONNECTED", "LOSSY", "Coverage", "Covered"]

_SECOND_MS = 1_000
UNKNOWN = 0
"""Events of a span in which some were lost, and nobody knows how many."""
_TRIM_EVERY_MS = 10_000
"""Trimming looks at every node; until then what is too old is left out of answers."""


class _Place(msgspec.Struct, array_like=True, tag="place"):
    """Of a keyframe; see ``Coverage``."""

    newest_ms: int | None
    oldest_ms: int | None
    trimmed_ms: int
    left_out_ms: int | None


class _Nodes(msgspec.Struct, array_like=True, tag="nodes"):
    """Of a keyframe: some nodes, in the order in which they were seen."""

    nodes: Entries


_codec: Codec[_Place | _Nodes] = Codec(1, _Place | _Nodes)


class Coverage:
    """Folded over a log from its beginning, or from a keyframe.

    Bounded: losses and disconnects as ``Spans``, ``Received``, and nodes. A disconnected node of which the log has
    nothing left is forgotten; beyond ``max_nodes`` the one that disconnected longest ago; a new one for which that
    makes no room is not taken in.

    :ivar newest_ms: end of the newest window; ``None`` before the first.
    :ivar oldest_ms: what lies before this is not told any more; ``None`` before the first window.
    """

    MAX_NODES = 1_000

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        self._max_nodes = max_nodes
        self._nodes: CopiedDict[int, CoveredNode] = covered_nodes()
        self._trimmed_ms = 0
        self._left_out_ms: int | None = None
        self.newest_ms: int | None = None
        self.oldest_ms: int | None = None

    @property
    def truncated(self) -> bool:
        """There were too many nodes, and of some nothing is told."""
        return self._left_out_ms is not None and self._left_out_ms >= (self.oldest_ms or 0)

    def __contains__(self, node: int) -> bool:
        return node in self._nodes

    def __iter__(self) -> Iterator[int]:
        return iter(self._nodes)

    def name(self, node: int) -> str | None:
        """Of its newest process; ``None`` where the node is not known."""
        known = self._nodes.get(node)
        return known.publisher.name if known else None

    # Folding.

    def fold(self, window: Window) -> None:
        """The next window of the log."""
        if self.oldest_ms is None:
            self.oldest_ms = window.start_ms
        self.newest_ms = max(self.newest_ms or 0, window.end_ms)
        for mark in window.marks:
            if mark.refused:
                continue
            node = self._nodes.get(mark.publisher.node) or self._first_seen(mark, window.start_ms)
            if node is not None:
                self._follow(node, mark, window.start_ms)

    def miss(self, to_ms: int) -> None:
        """The windows between the newest and the one that starts then can't be read.

        Of a node that was not connected nothing more is said than before.
        """
        begin_ms = (self.newest_ms or to_ms) // _SECOND_MS * _SECOND_MS
        end_ms = -(-to_ms // _SECOND_MS) * _SECOND_MS
        for number, node in self._nodes.items():
            if node.disconnected_ms is None and begin_ms < end_ms:
                self._nodes[number].lost.add(begin_ms, end_ms, UNKNOWN)

    def trim(self, before_ms: int) -> None:
        """The log has nothing before this any more; cheap to call often."""
        if self.oldest_ms is None or before_ms <= self.oldest_ms:
            return
        self.oldest_ms = before_ms
        if before_ms - self._trimmed_ms < _TRIM_EVERY_MS:
            return
        self._trimmed_ms = before_ms
        for number in list(self._nodes):
            node = self._nodes[number]
            node.lost.trim(before_ms)
            node.disconnected.trim(before_ms)
            node.received.trim(before_ms)
            if node.disconnected_ms is not None and node.disconnected_ms < before_ms:
                del self._nodes[number]

    def _first_seen(self, mark: Mark, at_ms: int) -> CoveredNode | None:
        if len(self._nodes) >= self._max_nodes:
            self._left_out_ms = at_ms
            gone = min(
                (each for each in self._nodes.items() if each[1].disconnected_ms is not None),
                key=lambda each: each[1].disconnected_ms or 0,
                default=None,
            )
            if gone is None:
                return None
            del self._nodes[gone[0]]
        node = self._nodes[mark.publisher.node] = CoveredNode(mark.publisher, at_ms)
        return node

    @staticmethod
    def _follow(node: CoveredNode, mark: Mark, at_ms: int) -> None:
        if mark.events:
            node.received.add(at_ms, mark.events)
        if mark.lost:
            second_ms = at_ms - at_ms % _SECOND_MS
            node.lost.add(second_ms, second_ms + _SECOND_MS, mark.lost)
        if mark.publisher != node.publisher:
            if not mark.connected:
                return
            node.publisher = mark.publisher
        if mark.skew_ms is not None:
            node.skew_ms = mark.skew_ms
        if mark.connected is False:
            if node.disconnected_ms is None:
                node.disconnected_ms = at_ms
        elif node.disconnected_ms is not None:  # A message needs an open stream, too.
            if node.disconnected_ms < at_ms:
                node.disconnected.add(node.disconnected_ms, at_ms)
            node.disconnected_ms = None

    # Keyframes.

    def keyframe(self) -> Iterator[bytes]:
        """Pieces of all that it knows now; they may be made while it is folded on."""
        place = _Place(self.newest_ms, self.oldest_ms, self._trimmed_ms, self._left_out_ms)
        return _codec.pieces(chain([place], map(_Nodes, self._nodes.copied())))

    def restore(self, pieces: Iterable[bytes]) -> None:
        """Know what the keyframe knew; before the first window.

        :raises ValueError: it can't be read; nothing has changed then.
        """
        place, nodes = _Place(None, None, 0, None), list[tuple[int, CoveredNode]]()
        for content in list(_codec.contents(pieces)):
            if isinstance(content, _Place):
                place = content
            else:
                nodes += self._nodes.read(content.nodes)
        self.newest_ms, self.oldest_ms = place.newest_ms, place.oldest_ms
        self._trimmed_ms, self._left_out_ms = place.trimmed_ms, place.left_out_ms
        self._nodes.update(nodes)

    # Answers.

    def covered(self, node: int, from_ms: int, to_ms: int) -> Covered | None:
        """What the log has of a node in [from_ms, to_ms); ``None``: the node was first seen later, or never.

        A range that begins before the node was first seen, or the log, counts from there.
        """
        known = self._nodes.get(node)
        from_ms = max(from_ms, self.oldest_ms or 0)
        if known is None or from_ms >= to_ms or known.first_seen_ms >= to_ms:
            return None
        lost = known.lost.overlapping(from_ms, to_ms)
        away_ms = sum(end - begin for begin, end, _ in known.disconnected_in(from_ms, to_ms))
        return Covered(sum(events for _, _, events in lost), away_ms, any(not events for _, _, events in lost))

    def words(self, node: int, from_ms: int, step_ms: int, count: int) -> list[str | None]:
        """``covered(..).word`` of each of ``count`` steps, and ``None`` where that is; at the price of one."""
        words: list[str | None] = [None] * count
        known = self._nodes.get(node)
        if known is None:
            return words
        to_ms = from_ms + count * step_ms

        def fill(word: str, begin_ms: int, end_ms: int) -> None:
            first = max(0, (begin_ms - from_ms) // step_ms)
            behind = min(count, -(-(end_ms - from_ms) // step_ms))
            words[first:behind] = [word] * max(0, behind - first)

        oldest_ms = max(from_ms, self.oldest_ms or 0)
        fill(COMPLETE, max(oldest_ms, known.first_seen_ms), to_ms)
        for begin_ms, end_ms, _ in known.lost.overlapping(oldest_ms, to_ms):
            fill(LOSSY, max(begin_ms, oldest_ms, known.first_seen_ms), end_ms)
        for begin_ms, end_ms, _ in known.disconnected_in(oldest_ms, to_ms):
            fill(DISCONNECTED, begin_ms, end_ms)
        return words

    def connected(self, node: int, from_ms: int, step_ms: int, count: int) -> list[bool | None]:
        """Whether its stream was open at the end of each of ``count`` steps; ``None`` before it was first seen."""
        known = self._nodes.get(node)
        if known is None:
            return [None] * count
        spans = known.disconnected_in(0, from_ms + count * step_ms)
        states: list[bool | None] = []
        at = 0
        for last_ms in range(from_ms + step_ms - 1, from_ms + step_ms * count, step_ms):
            while at < len(spans) and spans[at][1] <= last_ms:
                at += 1
            is_open = at == len(spans) or spans[at][0] > last_ms
            states.append(is_open if last_ms >= known.first_seen_ms else None)
        return states

    def nodes(self, from_ms: int | None = None, to_ms: int | None = None) -> Iterator[dict[str, Any]]:
        """The nodes of ``/api/coverage``, by id: those that had been seen before ``to_ms``.

        ``received`` counts in whole slots of ten seconds, so those at both ends of the range count whole. ``lost`` are
        whole seconds; what touches is one. ``disconnected`` is cut to the range. ``connected`` is as of ``to_ms``,
        ``name`` and ``skew_ms`` are the newest.

        :param from_ms: the oldest, if not given. :param to_ms: the end of the newest window, if not given or later.
        """
        newest_ms, oldest_ms = self.newest_ms or 0, self.oldest_ms or 0
        to_ms = newest_ms if to_ms is None else min(to_ms, newest_ms)
        from_ms = min(to_ms, oldest_ms if from_ms is None else max(from_ms, oldest_ms))
        for number in sorted(self._nodes):
            node = self._nodes.get(number)
            if node is not None and node.first_seen_ms < to_ms:
                yield _told(number, node, from_ms, to_ms)


def _told(number: int, node: CoveredNode, from_ms: int, to_ms: int) -> dict[str, Any]:
    lost = adjacent_joined(node.lost.overlapping(from_ms, to_ms))
    disconnected = node.disconnected_in(from_ms, to_ms)
    return {
        "node": number,
        "name": node.publisher.name,
        "connected": not node.disconnected_in(to_ms - 1, to_ms),
        "skew_ms": node.skew_ms,
        "received": node.received.between(from_ms, to_ms),
        "lost": [{"from_ms": begin, "to_ms": end, "events": events or None} for begin, end, events in lost],
        "disconnected": [{"from_ms": begin, "to_ms": end} for begin, end, _ in disconnected],
    }
