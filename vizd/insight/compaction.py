"""A compaction that began and was not heard of again."""

from vizd.insight.cluster import Event
from vizd.insight.rule import NodeRule, after_s

__all__ = ["CompactionUnfinished"]


class CompactionUnfinished(NodeRule):
    """Each word of its progress begins the time anew."""

    name = "compaction-unfinished"
    severity = "warning"
    sentence = "A compaction started, and for `after_s` neither progress nor its end was reported."
    closes = "It is heard of again, or another is scheduled in its place; or the node has restarted, left or died."
    unknowable = "A compaction that takes very long between two words of its progress. What a silent node does."
    kinds = ("Compaction.Scheduled", "Compaction.Start", "Compaction.Progress", "Compaction.Finish")
    inputs = ("Compaction.Start", "Compaction.Progress")
    thresholds = (after_s(600),)

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        node, shard, level = event.data["node"], event.shard, event.data["level"]
        subject = {"node": node} | ({} if shard is None else {"shard": shard}) | {"level": level}
        if event.kind in ("Scheduled", "Finish"):
            self.cases.ceases(subject)
            return
        name = self.cluster.called(node)
        where = name if shard is None else f"shard {shard} on {name}"
        heard = f"was at {event.data['pct']}%" if event.kind == "Progress" else "started"
        detail = f"A compaction of level {level} of {where} {heard}, and was not heard of again."
        self.cases.begins(subject, detail, witnesses=(event.node,))

    def gone(self, node: int, why: str) -> None:
        """See ``Rule``."""
        if why != "disconnected":  # It may go on, and say so later.
            super().gone(node, why)
