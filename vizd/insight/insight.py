"""Leads the rules through the log: what each is to hear of every window, and what they have found.

What a flood of events costs is a look at each different facet of a window. Only events of kinds that some rule hears
of are looked into one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress

from vizd.events.catalogue import KINDS, Kind
from vizd.events.facet import Facet
from vizd.insight.cluster import Cluster, read_event
from vizd.insight.finding import Finding
from vizd.insight.keyframe import pieces, restore
from vizd.insight.ledger import Ledger
from vizd.insight.rule import Rule
from vizd.insight.rules import RULES
from vizd.insight.thresholds import Thresholds
from vizd.log.window import Mark, Window
from vizd.state.coverage import Coverage
from vizd.state.nodes import BACK, DISCONNECTED
from vizd.state.timeline import Timeline

__all__ = ["Insight"]

_NEWEST_IS_ENOUGH = frozenset(kind for kind in KINDS if str(kind) in ("Lsm.L0Stall", "Lsm.WritePressureUpdate"))
"""Of these a node may report thousands a second; the newest of each node and shard in a window says it all."""
_MAX_FACETS = 65_536
"""That are remembered: as many as ``Facets`` shares."""
_TRIM_EVERY_MS = 1_000
_DEFAULTS = Thresholds()
_SWIM = {"Confirm": "dead", "Leave": "left"}


class Insight:
    """Folded over a log from its beginning, or from a keyframe; each window after ``coverage`` and ``timeline``."""

    def __init__(self, coverage: Coverage, timeline: Timeline, thresholds: Thresholds = _DEFAULTS) -> None:
        self._cluster = Cluster(coverage, timeline)
        self._ledger = Ledger()
        self._rules = [
            rule(self._cluster, self._ledger, thresholds.limits(rule)) for rule in RULES if thresholds.is_enabled(rule)
        ]
        self._of_marks = [rule for rule in self._rules if type(rule).follow_mark is not Rule.follow_mark]
        self._interests = _Interests(self._rules)
        self._trimmed_ms = 0

    # Folding.

    def fold(self, window: Window) -> None:
        """The next window of the log, with all its events."""
        cluster = self._cluster
        cluster.enter(window)
        places = self._places(window.facets)
        events_before = index = 0
        for mark in window.marks:
            self._follow_mark(mark)
            events_before += mark.events
            while index < len(places) and places[index] < events_before:
                self._follow_event(window, places[index], mark)
                index += 1
        for place in places[index:]:
            self._follow_event(window, place, None)
        if cluster.second != cluster.second_before:
            for rule in self._rules:
                rule.pass_second()
                rule.cases.pass_second()
        for rule in self._rules:
            rule.cases.settle()

    def trim(self, before_ms: int) -> None:
        """The log has nothing before this any more; cheap to call often."""
        self._ledger.trim(before_ms)
        if abs(self._cluster.now_ms - self._trimmed_ms) >= _TRIM_EVERY_MS:
            self._trimmed_ms = self._cluster.now_ms
            for rule in self._rules:
                rule.cases.forget(before_ms)

    def _places(self, facets: Sequence[Facet]) -> Sequence[int]:
        """Of the events that are to be looked into, in order."""
        interests = self._interests
        wanted = {facet for facet in set(facets) if interests[facet] is not None}
        if not wanted:
            return ()
        places: list[int] = []
        rare = {facet for facet in wanted if facet.kind not in _NEWEST_IS_ENOUGH}
        if rare:
            places += compress(range(len(facets)), map(rare.__contains__, facets))
        if len(rare) < len(wanted):
            newest = dict(zip(facets, range(len(facets)), strict=True))
            places += [newest[facet] for facet in wanted - rare]
            places.sort()
        return places

    def _follow_mark(self, mark: Mark) -> None:
        seen = self._interests.seen
        seen.add("Hello")
        if mark.skew_ms is not None:
            seen.add("sent_ms")
        change = self._cluster.processes.follow(mark)
        if change is not None:
            self._follow_process(mark.publisher.node, change)
        for rule in self._of_marks:
            rule.follow_mark(mark)

    def _follow_process(self, node: int, change: str) -> None:
        if change != DISCONNECTED:
            self._cluster.follow_return(node)
        for rule in self._rules:
            if change == BACK:
                rule.back(node)
            else:
                rule.gone(node, change)

    def _follow_event(self, window: Window, place: int, mark: Mark | None) -> None:
        facet = window.facets[place]
        event = read_event(
            facet,
            window.fragments[place],
            restated=mark is not None and mark.restated,
            is_late=mark is not None and self._cluster.processes.is_replaced(mark.publisher),
        )
        is_swim = facet.kind.type.name == "Swim"
        if is_swim:
            self._cluster.follow_swim(event)
        for rule in self._interests[facet] or ():
            rule.follow(event)
        if is_swim:
            self._follow_swim(event.data["node"], event.kind)

    def _follow_swim(self, node: int, kind: str) -> None:
        process = self._cluster.processes.get(node)
        for rule in self._rules:
            if kind in _SWIM:
                rule.gone(node, _SWIM[kind])
            elif kind == "Alive" and (process is None or process.connected):
                rule.back(node)

    # Keyframes.

    def keyframe(self) -> Iterator[bytes]:
        """Pieces of all that it knows now; they may be made while it is folded on."""
        return pieces(self._cluster, self._ledger, self._rules, self._interests.seen, self._trimmed_ms)

    def restore(self, pieces: Iterable[bytes]) -> None:
        """Know what the keyframe knew, in place of nothing; no listener hears of it.

        Of a rule that is not followed any more nothing is taken; one that was not followed begins here.

        :raises ValueError: it can't be read; nothing has changed then.
        """
        seen, self._trimmed_ms = restore(pieces, self._cluster, self._ledger, self._rules)
        self._interests.seen |= seen

    # Answers.

    def listen(self, listener: Callable[[Finding, str], None]) -> None:
        """Call it with every version from now on, and ``opened``, ``updated`` or ``closed``."""
        self._ledger.listen(listener)

    @property
    def changes(self) -> int:
        """How many there have been."""
        return self._ledger.changes

    def changed_since(self, change: int) -> Iterator[Finding]:
        """The newest version of each finding that has changed after this one, in the order of ``change``."""
        return self._ledger.changed_since(change)

    def open_findings(self) -> list[Finding]:
        """The worst first, then the newest."""
        return self._ledger.worst_first(only_open=True)

    def findings(self) -> list[Finding]:
        """Those that are open, then those closed ones that the log still reaches; the worst first, then the newest."""
        return self._ledger.worst_first()

    @property
    def no_data(self) -> list[str]:
        """Rules of whose input nothing was ever seen, so that they could find nothing; in the order of ``RULES``."""
        return [rule.name for rule in self._rules if not self._interests.seen.intersection(rule.inputs)]

    @property
    def truncated(self) -> bool:
        """There would be more findings, were there room."""
        return any(rule.cases.is_truncated for rule in self._rules)


class _Interests(dict[Facet, tuple[Rule, ...] | None]):
    """By facet, the rules that hear of its events; ``None``: nobody does. Asked once per facet of a window, so a dict
    and nothing around it.

    :ivar seen: kinds and types that have occurred.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = list(rules)
        self.seen: set[str] = set()

    def __missing__(self, facet: Facet) -> tuple[Rule, ...] | None:
        if len(self) >= _MAX_FACETS:
            self.clear()
        kind: Kind = facet.kind
        self.seen |= {str(kind), kind.type.name}
        rules = tuple(rule for rule in self._rules if str(kind) in rule.kinds)
        is_looked_into = rules or kind.type.name == "Swim"  # Who is there is for the cluster to know.
        heard = self[facet] = rules if is_looked_into else None
        return heard
