"""How the process of a simulated node publishes, where that is what goes wrong.

Stories change it; who publishes in the node's place does as it says.
"""

from dataclasses import dataclass

__all__ = ["Uplink"]


@dataclass(slots=True)
class Uplink:
    """One node's.

    :ivar stands_still: it says nothing, not even that it is there, though its stream stays open.
    :ivar is_doubled: a second process publishes under its identity, while the first one still runs.
    :ivar max_buffered_events: what its process keeps at most of what is not yet stored; ``None``: plenty. It is asked
        for when a process begins.
    """

    stands_still: bool = False
    is_doubled: bool = False
    max_buffered_events: int | None = None
