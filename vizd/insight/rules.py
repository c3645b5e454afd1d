"""All rules, as one table: to add one is a module and a line here."""

from vizd.insight.leaderless import ShardWithoutLeader
from vizd.insight.membership import NodeDead, NodeSuspected, SwimFlapping
from vizd.insight.rule import Rule
from vizd.insight.streams import ClockSkew, NodeLossy, NodeSilent
from vizd.insight.two_leaders import TwoLeaders

__all__ = ["RULES"]

RULES: tuple[type[Rule], ...] = (
    TwoLeaders,
    ShardWithoutLeader,
    NodeDead,
    NodeSuspected,
    SwimFlapping,
    NodeSilent,
    NodeLossy,
    ClockSkew,
)
