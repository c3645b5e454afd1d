"""Fsyncs that take too long, from the timeline's readings of each second."""

from vizd.insight.rule import NodeRule, Threshold, after_s
from vizd.state.reading import Reading

__all__ = ["SlowFsync"]

_MOST_SECONDS = 10
"""That are read at once, when the log has stood still for a while."""


class SlowFsync(NodeRule):
    """Seconds without an fsync say nothing."""

    name = "fsync-slow"
    severity = "warning"
    sentence = "The 99th percentile of a node's fsyncs is above `objective_ms` in each second, for `after_s`."
    closes = "It is not for 10 s; or there was no fsync for 60 s; or the node has gone."
    unknowable = "Percentiles are read from bins, and up to a sixteenth off."
    inputs = ("Wal.Fsync",)
    thresholds = (Threshold("objective_ms", 100, 1, 3_600_000, "ms that are not too long"), after_s(10))
    closes_after_ms = 10_000

    READING_LASTS_MS = 60_000

    def pass_second(self) -> None:
        """See ``Rule``."""
        second = self.cluster.second
        from_s = max(self.cluster.second_before, second - _MOST_SECONDS)
        for node, subject in self.cluster.timeline.subjects.items():
            for _, record in subject.readings.read(from_s, second, 1):
                self._judge(node, record)

    def _judge(self, node: int, record: bytes) -> None:
        reading = Reading()
        reading.add(record)
        if not reading.bins:
            return
        objective_ms = self.limits["objective_ms"]
        [p99_ms] = reading.percentiles(99) if reading.longest_ms > objective_ms else [reading.longest_ms]
        if p99_ms <= objective_ms:
            self.cases.ceases({"node": node})
            return
        self.cases.holds(
            {"node": node},
            f"Fsyncs of {self.cluster.called(node)} are slow: a hundredth takes {p99_ms} ms and longer.",
            witnesses=(node,),
            lapses_after_ms=self.READING_LASTS_MS,
        )
