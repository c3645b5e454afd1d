"""What Swim says of nodes: suspected, dead, and back and forth between the two."""

from vizd.insight.cluster import Event
from vizd.insight.rule import Rule, Threshold
from vizd.insight.subjects import Subjects
from vizd.log.window import Position

__all__ = ["NodeDead", "NodeSuspected", "SwimFlapping"]

_KINDS = ("Swim.Alive", "Swim.Suspect", "Swim.Confirm", "Swim.Leave")


class NodeSuspected(Rule):
    """The newest word counts, whoever says it."""

    name = "node-suspected"
    severity = "warning"
    sentence = "A node is suspected by others."
    closes = "It is said to be alive, to have left, or to be dead (`node-dead`); or the log has nothing of it any more."
    unknowable = "A refutation that was lost, or that a disconnected node has heard."
    kinds = _KINDS
    inputs = ("Swim",)

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        node = event.data["node"]
        if event.kind == "Suspect":
            self.cases.holds({"node": node}, f"{self.cluster.called(node)} is suspected.", witnesses=(event.node,))
        else:
            self.cases.ceases({"node": node})


class NodeDead(Rule):
    """The newest word counts, whoever says it."""

    name = "node-dead"
    severity = "critical"
    sentence = "A node was confirmed dead."
    closes = "It is said to be alive, or to have left; or the log has nothing of it any more."
    unknowable = "A return that was lost, or that a disconnected node has heard of."
    kinds = _KINDS
    inputs = ("Swim",)

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        node = event.data["node"]
        if event.kind == "Confirm":
            self.cases.holds(
                {"node": node}, f"{self.cluster.called(node)} was confirmed dead.", witnesses=(event.node,)
            )
        elif event.kind != "Suspect":
            self.cases.ceases({"node": node})


class SwimFlapping(Rule):
    """A suspicion counts when the node was said to be alive before it: several observers of one are one."""

    name = "swim-flapping"
    severity = "warning"
    sentence = "A node was suspected `times` times within `within_s`, and was alive in between."
    closes = "It was not suspected for `within_s`; or it has left."
    unknowable = "Suspicions that were lost: there may have been more."
    kinds = _KINDS
    inputs = ("Swim",)
    thresholds = (
        Threshold("times", 4, 2, 1_000, "suspicions that are too many"),
        Threshold("within_s", 300, 1, 86_400, "seconds in which they are counted"),
    )

    def prepare(self) -> None:
        """See ``Rule``."""
        self._suspected: Subjects[int, list[tuple[int, Position]]] = self.remember(
            "suspected", tuple[int, list[tuple[int, Position]]]
        )
        self._newest: Subjects[int, str] = self.remember("newest", tuple[int, str])

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        node, before = event.data["node"], self._newest.get(event.data["node"])
        self._newest.put(node, event.kind)
        if event.kind == "Leave":
            self._suspected.pop(node, None)
            self.cases.ends({"node": node})
        elif event.kind == "Suspect" and before in (None, "Alive") and not event.restated:
            self._count(node)

    def _count(self, node: int) -> None:
        times, within_s, now_ms = self.limits["times"], self.limits["within_s"], self.cluster.now_ms
        suspected = self._suspected.get(node, [])
        self._suspected.put(node, suspected)
        suspected.append((now_ms, self.cluster.position))
        del suspected[:-times]
        first_ms, _ = suspected[0]
        if len(suspected) == times and now_ms - first_ms <= within_s * 1_000:
            self.cases.holds(
                {"node": node},
                f"{self.cluster.called(node)} was suspected {times} times within {_seconds(now_ms - first_ms)},"
                " and was alive in between.",
                since_ms=first_ms,
                lapses_after_ms=within_s * 1_000,
                evidence=[position for _, position in suspected],
            )


def _seconds(ms: int) -> str:
    return f"{-(-ms // 1_000)} s"
