"""What the daemon itself sees of a node's stream: that it is silent, that it lost events, that its clock is off."""

from vizd.insight.rule import NodeRule, Rule, Threshold, after_s
from vizd.insight.subjects import Subjects
from vizd.log.window import Mark

__all__ = ["ClockSkew", "NodeLossy", "NodeSilent"]


class NodeSilent(Rule):
    """Whether it lives is another question: it does not publish."""

    name = "node-silent"
    severity = "warning"
    sentence = "A node's stream has ended, or nothing came on it for 5 s, and it has not come back for `after_s`."
    closes = "The node is connected again, or has left; or the log has nothing of it any more."
    unknowable = "Whether the node is down, or only can't reach this daemon."
    inputs = ("Hello",)
    thresholds = (after_s(5),)

    def gone(self, node: int, why: str) -> None:
        """See ``Rule``."""
        if why == "disconnected" and not self.cluster.has_left(node):
            self.cases.holds({"node": node}, f"{self.cluster.called(node)} is silent: it is not connected.")
        elif why == "left":
            self.cases.ends({"node": node})
        elif why == "restarted":
            self.cases.ceases({"node": node})

    def back(self, node: int) -> None:
        """See ``Rule``."""
        process = self.cluster.processes.get(node)
        if process is not None and process.connected:
            self.cases.ceases({"node": node})


class NodeLossy(Rule):
    """Told by seqs that were jumped over, and by what nodes say that they gave up."""

    name = "node-lossy"
    severity = "warning"
    sentence = "Events of a node were lost on the way."
    closes = "No more were lost for `quiet_s`."
    unknowable = "What was in them."
    inputs = ("Hello",)
    thresholds = (Threshold("quiet_s", 60, 1, 3_600, "seconds without a loss that close it"),)

    def prepare(self) -> None:
        """See ``Rule``."""
        self._lost: Subjects[int, int] = self.remember("lost", tuple[int, int])

    def follow_mark(self, mark: Mark) -> None:
        """See ``Rule``."""
        if not mark.lost:
            return
        node = mark.publisher.node
        lost = mark.lost + (self._lost.get(node, 0) if {"node": node} in self.cases else 0)
        self._lost.put(node, lost)
        self.cases.holds(
            {"node": node},
            f"{self.cluster.called(node)} has lost {lost:,} event{'s' if lost > 1 else ''}.",
            lapses_after_ms=self.limits["quiet_s"] * 1_000,
        )


class ClockSkew(NodeRule):
    """A node says with each message what its clock shows; the way here takes a little, too."""

    name = "clock-skew"
    severity = "warning"
    sentence = "A node's clock differs from the daemon's by more than `limit_ms` for `after_s`."
    closes = "It differs by less than four fifths of that; or the node has gone."
    unknowable = "Which of the two clocks is wrong. A message that waited for long looks like a clock that is behind."
    inputs = ("sent_ms",)
    thresholds = (Threshold("limit_ms", 1_000, 10, 86_400_000, "ms that are too much"), after_s(5))

    _STEP_MS = 250
    """As finely as the ingest tells."""

    def prepare(self) -> None:
        """See ``Rule``."""
        self._told_ms: Subjects[int, int] = self.remember("told_ms", tuple[int, int])

    def follow_mark(self, mark: Mark) -> None:
        """See ``Rule``."""
        if mark.skew_ms is None:
            return
        node, limit_ms = mark.publisher.node, self.limits["limit_ms"]
        subject = {"node": node}
        if abs(mark.skew_ms) > limit_ms:
            told_ms = self._told_ms.get(node)
            if subject not in self.cases or told_ms is None or abs(mark.skew_ms - told_ms) >= self._STEP_MS:
                told_ms = mark.skew_ms
                self._told_ms.put(node, told_ms)
            side = "ahead of" if told_ms > 0 else "behind"
            detail = f"The clock of {self.cluster.called(node)} is {abs(told_ms) / 1_000:.1f} s {side} the daemon's."
            self.cases.holds(subject, detail)
        elif abs(mark.skew_ms) < limit_ms * 4 // 5:
            self.cases.ceases(subject)
