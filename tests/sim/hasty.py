"""A simulated cluster for tests in real time, that don't want to wait for a story."""

from vizd.sim.cluster import SimulatedCluster
from vizd.sim.encoded import EncodedEvent
from vizd.sim.runner import wall_ms


class HastyCluster(SimulatedCluster):
    """Five nodes that live some times as fast as the clock goes."""

    SEED = 1

    def __init__(self, scenario: str, times: int = 20, rate: int = 100, as_of_today: bool = False) -> None:
        """
        :param rate: events per second of its own time.
        """
        self._began_ms = wall_ms()
        self._times = times
        super().__init__(5, 24, rate, self.SEED, self._began_ms, scenario, as_of_today)

    def advance_encoded(self, to_ms: int) -> list[tuple[int, EncodedEvent]]:
        return super().advance_encoded(self._began_ms + self._times * (to_ms - self._began_ms))
