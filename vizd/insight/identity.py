"""Two processes that say that they are the same node."""

from vizd.insight.rule import Rule, Threshold
from vizd.log.window import Mark

__all__ = ["TwoProcesses"]


class TwoProcesses(Rule):
    """The ingest refuses one of them, and says so once a while as long as it keeps trying."""

    name = "two-processes"
    severity = "warning"
    sentence = (
        "A process was refused, since its node number is connected under another name, or a newer process has its name"
        " and number."
    )
    closes = "None was refused for `quiet_s`."
    unknowable = "Which of the two is the right one."
    inputs = ("Hello",)
    thresholds = (Threshold("quiet_s", 90, 31, 3_600, "seconds without a refusal that close it"),)

    def follow_mark(self, mark: Mark) -> None:
        """See ``Rule``."""
        if not mark.refused:
            return
        node, name = mark.publisher.node, mark.publisher.name
        owner = self.cluster.name(node)
        if owner is None or owner == name:
            detail = f"Two processes publish as {name}; the older one was refused."
        else:
            detail = f"{name} was refused: node {node} is {owner}, and each node needs a number of its own."
        self.cases.holds({"node": node}, detail, lapses_after_ms=self.limits["quiet_s"] * 1_000)
