"""The steps of a timeline: where they begin, how wide they are, and how many."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["MAX_STEPS", "Steps", "steps_of"]

MAX_STEPS = 3_600
_USUAL_STEPS = 240
_WIDTHS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Steps:
    """Step ``i`` is of [from_s + i * step_s, from_s + (i + 1) * step_s), in seconds since the Unix epoch.

    ``from_s`` is a multiple of ``step_s``.
    """

    from_s: int
    step_s: int
    count: int

    @property
    def to_s(self) -> int:
        """Where the last one ends."""
        return self.from_s + self.step_s * self.count

    def index(self, second: int) -> int:
        """The step of a second."""
        return (second - self.from_s) // self.step_s


def steps_of(from_ms: int, to_ms: int, step_ms: int | None, width_at: Callable[[int], int]) -> Steps:
    """The steps that cover [from_ms, to_ms).

    :param step_ms: rounded up to a multiple of what is kept there; if not given, a round number of seconds that makes
        ``_USUAL_STEPS`` at most, and one for the part of a step at each end.
    :param width_at: how many seconds the finest records are of that are kept at a second.
    :raises ValueError: these would be more than ``MAX_STEPS``.
    """
    first_s = from_ms // 1_000
    width_s = width_at(first_s)
    while True:
        step_s = _usual(to_ms - from_ms, width_s) if step_ms is None else _rounded_up(-(-step_ms // 1_000), width_s)
        from_s = first_s - first_s % step_s
        wider_s = width_at(from_s)
        if step_s % wider_s == 0:
            break
        width_s = wider_s
    count = -(-(to_ms - from_s * 1_000) // (step_s * 1_000)) if to_ms > from_ms else 0
    if count > MAX_STEPS:
        least_ms = -(-(to_ms - from_ms) // (MAX_STEPS - 1))
        raise ValueError(
            f"step_ms: {step_ms} makes {count} steps of {to_ms - from_ms} ms, and {MAX_STEPS} is the most:"
            f" use {_rounded_up(least_ms, 1_000)} or more"
        )
    return Steps(from_s, step_s, count)


def _usual(range_ms: int, width_s: int) -> int:
    for step_s in _WIDTHS_S:
        if step_s % width_s == 0 and step_s * 1_000 * _USUAL_STEPS >= range_ms:
            return step_s
    return _rounded_up(-(-range_ms // (_USUAL_STEPS * 1_000)), _WIDTHS_S[-1])


def _rounded_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
