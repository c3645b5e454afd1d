"""A shard that elects again and again."""

import msgspec

from vizd.insight.cluster import Event
from vizd.insight.rule import Rule, Threshold
from vizd.insight.subjects import Subjects
from vizd.log.window import Position

__all__ = ["ElectionStorm"]

_MAX_REPORTERS = 64
"""Of a term: more nodes than hold one shard."""


class _Terms(msgspec.Struct, array_like=True):
    """Of a shard.

    :ivar newest: the highest one. :ivar reporters: its publishers, each with its incarnation.
    :ivar begun: when the last ones began, and behind which window.
    """

    begun: list[tuple[int, Position]] = []
    newest: int = -1
    reporters: dict[int, int | None] = {}


class ElectionStorm(Rule):
    """A term begins with the first vote or election in it, whoever reports it."""

    name = "election-storm"
    severity = "warning"
    sentence = "More than `terms` terms of a shard began within `within_s`."
    closes = "No term began for `within_s`."
    unknowable = (
        "Terms that nobody reported: there may have been more. What a node reports that was disconnected came at once,"
        " and may have happened at leisure: that is inconclusive."
    )
    kinds = ("Raft.LeaderElected", "Raft.VoteReq", "Raft.VoteGranted")
    inputs = ("Raft.LeaderElected", "Raft.VoteReq", "Raft.VoteGranted")
    thresholds = (
        Threshold("terms", 5, 1, 1_000, "terms that are not too many"),
        Threshold("within_s", 30, 1, 3_600, "seconds in which they are counted"),
    )

    def prepare(self) -> None:
        """See ``Rule``."""
        self._shards: Subjects[int | None, _Terms] = self.remember("shards", tuple[int | None, _Terms])

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        if event.is_late:
            return
        number, processes = event.data["term"], self.cluster.processes
        terms = self._shards.get(event.shard)
        if terms is None or (number < terms.newest and processes.have_restarted(terms.reporters)):
            terms = _Terms()
        self._shards.put(event.shard, terms)
        if number > terms.newest:
            terms.newest = number
            terms.reporters.clear()
            if not event.restated:
                terms.begun.append((self.cluster.now_ms, self.cluster.position))
                del terms.begun[: -self.limits["terms"] - 1]
                self._judge(event, terms)
        if number == terms.newest and len(terms.reporters) < _MAX_REPORTERS:
            terms.reporters[event.node] = processes.incarnation(event.node)

    def _judge(self, event: Event, terms: _Terms) -> None:
        most, within_ms, now_ms = self.limits["terms"], self.limits["within_s"] * 1_000, self.cluster.now_ms
        first_ms, _ = terms.begun[0]
        if len(terms.begun) <= most or now_ms - first_ms > within_ms:
            if {"shard": event.shard} not in self.cases:
                return
            detail = f"Shard {event.shard} goes on electing: it is in term {terms.newest}."
        else:
            took_s = -(-(now_ms - first_ms) // 1_000)
            detail = f"Shard {event.shard} began {len(terms.begun)} terms within {took_s} s, up to term {terms.newest}."
        self.cases.holds(
            {"shard": event.shard},
            detail,
            conclusive=self.cluster.is_whole((event.node,), now_ms - within_ms),
            since_ms=first_ms,
            lapses_after_ms=within_ms,
            evidence=[position for _, position in terms.begun],
        )
