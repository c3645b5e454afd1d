"""The disk of a simulated node: how long its writes take, compared with a good one's."""

from vizd.sim.timeline import Timeline

__all__ = ["Disk"]

_STEPS = 12
_STEP_MS = 1_000


class Disk:
    """Shared by all engines of a node.

    :ivar slowness: how many times longer than usual an fsync takes.
    """

    def __init__(self) -> None:
        self.slowness = 1.0

    def ail(self, timeline: Timeline, slowness: float, for_ms: float) -> None:
        """Grow slow within twelve seconds, stay so, and recover in as many.

        :param slowness: at the worst.
        :param for_ms: at the worst.
        """
        for step in range(1, _STEPS + 1):
            # By equal factors: people see latencies on a logarithmic scale.
            self._become_after(timeline, step * _STEP_MS, slowness ** (step / _STEPS))
            self._become_after(timeline, (_STEPS + step) * _STEP_MS + for_ms, slowness ** (1 - step / _STEPS))

    def _become_after(self, timeline: Timeline, delay_ms: float, slowness: float) -> None:
        def become() -> None:
            self.slowness = slowness

        timeline.after(delay_ms, become)
