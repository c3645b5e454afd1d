"""What a rule is.

A rule hears of events of its ``kinds``, of marks, of nodes that go and come back, and of each second; it says to its
``cases`` for which subjects its condition holds. It keeps no clock and opens no finding itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vizd.insight.cases import Cases
from vizd.insight.cluster import Cluster, Event
from vizd.insight.ledger import Ledger
from vizd.insight.subjects import Subjects
from vizd.log.window import Mark

__all__ = ["NodeRule", "Rule", "Threshold", "after_s"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number of a rule that can be set.

    :ivar name: with its unit. :ivar means: what it is, for the table of ``docs/insight.md``.
    """

    name: str
    default: int
    least: int
    most: int
    means: str


def after_s(default: int) -> Threshold:
    """For how long the condition must hold before a finding opens; the same for all rules that have it."""
    return Threshold("after_s", default, 0, 3_600, "seconds that it must last before it opens")


class Rule:
    """The base of all rules.

    :cvar name: in findings, in ``no_data`` and in thresholds. :cvar severity: one of ``finding.SEVERITIES``.
    :cvar sentence: what opens it. :cvar closes: what closes it. :cvar unknowable: what it can't know.
    :cvar kinds: of events that it hears of. :cvar inputs: kinds or types of events, ``Hello`` or ``sent_ms``: without
        any of them there is no data.
    :cvar thresholds: what can be set; ``after_s`` is how long its condition must hold before a finding opens.
    :cvar closes_after_ms: how long the contrary must hold before it closes.
    :ivar memory: by name, what it remembers.
    """

    name: ClassVar[str]
    severity: ClassVar[str]
    sentence: ClassVar[str]
    closes: ClassVar[str]
    unknowable: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[tuple[str, ...]]
    thresholds: ClassVar[tuple[Threshold, ...]] = ()
    closes_after_ms: ClassVar[int] = 0

    def __init__(self, cluster: Cluster, ledger: Ledger, limits: Mapping[str, int]) -> None:
        """
        :param limits: by the name of a threshold.
        """
        self.cluster = cluster
        self.limits = limits
        opens_after_ms = limits.get("after_s", 0) * 1_000
        self.cases = Cases(self.name, self.severity, cluster, ledger, opens_after_ms, self.closes_after_ms)
        self.memory: dict[str, Subjects[Any, Any]] = {}
        self.prepare()

    def prepare(self) -> None:
        """Make what it remembers."""

    def remember(self, name: str, entry: Any) -> Subjects[Any, Any]:
        """Subjects that go into keyframes and come back from them.

        :param name: among those of the rule. :param entry: the type of a key and its value, for msgspec.
        """
        subjects = self.memory[name] = Subjects(entry)
        return subjects

    def restored(self) -> None:
        """All that it remembers has come back from a keyframe: make what follows from it."""

    def follow(self, event: Event) -> None:
        """The next event of its kinds. Of some kinds it is only the newest of each node and shard in a window."""

    def follow_mark(self, mark: Mark) -> None:
        """The next mark."""

    def gone(self, node: int, why: str) -> None:
        """A node's process has ``disconnected`` or was ``restarted``; or Swim says it has ``left`` or is ``dead``."""

    def back(self, node: int) -> None:
        """A node's process is connected again, or Swim says that it is alive."""

    def pass_second(self) -> None:
        """A window has come that starts in another second than the one before it."""


class NodeRule(Rule):
    """One about what goes on in a node: there is nothing more to be said when it has gone."""

    def gone(self, node: int, why: str) -> None:
        """See ``Rule``."""
        self.cases.end_all_of(node)
