"""How often things happen in a simulated cluster.

The rare things keep a pace of their own, that of a real cluster made a little quicker for people who
watch, as long as that is a small part of the events asked for; below, they are stretched. What they leave
of the rate is the flood's.
"""

from dataclasses import dataclass

__all__ = ["Pace"]

_CYCLE_EVENTS = 18
"""A memtable's flush, and the compaction that follows, take about so many events."""
_ELECTION_EVENTS = 5
_MOVE_EVENTS = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """Times between the beginnings of two things of a kind in the whole cluster, in ms.

    :ivar cycle_ms: flushes, each with the compaction that follows.
    :ivar election_ms: at least, between two elections.
    :ivar transfer_ms: leaderships that move for no other reason than balance.
    :ivar move_ms: shard moves.
    :ivar disturbance_ms: nodes that are suspected, die, or leave.
    :ivar pressure_ms: engines that come under write pressure.
    :ivar heat_ms: hot slots that move.
    :ivar stall_ms: L0 stalls of an engine that is stalled.
    """

    cycle_ms: float
    election_ms: float
    transfer_ms: float
    move_ms: float
    disturbance_ms: float
    pressure_ms: float
    heat_ms: float
    stall_ms: float

    @classmethod
    def of(cls, engines: int, shards: int, rate: int) -> "Pace":
        """The pace of a cluster.

        :param engines: replicas of all shards together.
        :param shards: in the cluster.
        :param rate: events per second, of all kinds together.
        """

        def taking(share: float, events: int) -> float:
            """The ms between things of so many events that take ``share`` of the rate."""
            return events * 1000 / (share * rate)

        return cls(
            cycle_ms=max(30_000 / engines, taking(0.25, _CYCLE_EVENTS)),
            election_ms=max(20, taking(0.15, _ELECTION_EVENTS)),
            transfer_ms=max(20_000, taking(0.05, _ELECTION_EVENTS)),
            move_ms=max(20_000, taking(0.05, _MOVE_EVENTS)),
            disturbance_ms=40_000,
            pressure_ms=25_000,
            heat_ms=max(2_000 / shards, 10),
            stall_ms=max(1, taking(0.1, 1)),
        )
