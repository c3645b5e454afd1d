"""What all parts of a simulated cluster share: time, chance, and where their events go."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from vizd.sim.pace import Pace
from vizd.sim.timeline import Timeline
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["Report", "Stage"]

Report = Callable[[int, VizEvent], None]
"""Called with the publishing node and an event that has no ts yet."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Given to every part.

    :ivar timeline: what is due.
    :ivar rng: all of the simulation's chance.
    :ivar pace: how often things happen.
    :ivar report: where an event goes; it gets the present as its ts.
    """

    timeline: Timeline
    rng: Random
    pace: Pace
    report: Report

    def every(self, interval_ms: float, call: Callable[[], object]) -> None:
        """Make ``call`` again and again, about ``interval_ms`` apart, the first time after about half of it."""

        def again() -> None:
            call()
            self.timeline.after(interval_ms * self.rng.uniform(0.7, 1.3), again)

        self.timeline.after(interval_ms * self.rng.uniform(0.3, 0.7), again)
