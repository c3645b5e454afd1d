"""A stage whose reports are kept, for tests of one part of a cluster."""

from random import Random

from vizd.events.decode import kind_of
from vizd.sim.pace import Pace
from vizd.sim.stage import Stage
from vizd.sim.timeline import Timeline
from vizd.wire.vizd_pb2 import VizEvent

START_MS = 1_765_000_000_000


class WatchedStage(Stage):
    """:ivar reported: each event with the node that published it."""

    reported: list[tuple[int, VizEvent]]

    def __init__(self, seed: int = 1, rate: int = 1_000) -> None:
        reported: list[tuple[int, VizEvent]] = []
        super().__init__(
            Timeline(START_MS), Random(seed), Pace.of(15, 5, rate), lambda node, event: reported.append((node, event))
        )
        object.__setattr__(self, "reported", reported)

    def run_for(self, ms: int) -> None:
        end_ms = self.timeline.now_ms + ms
        while (due_ms := self.timeline.next_due_ms()) is not None and due_ms <= end_ms:
            self.timeline.make_next_call()
        self.timeline.now_ms = end_ms

    @property
    def kinds(self) -> list[str]:
        """What was reported, by name."""
        return [str(kind_of(event)) for _, event in self.reported]
