"""A state that changes now and then, and what it was at the end of each step of a range."""

from array import array
from bisect import bisect_left

from vizd.state.columns import numbers, packed

__all__ = ["Changes"]


class Changes:
    """The newest state of each second in which it changed; bounded in number.

    :cvar MAX: beyond this many changes every other one of the older half is forgotten; the state before it is told
        in its place.
    """

    MAX = 1_000

    def __init__(self) -> None:
        self._seconds = array("Q")
        self._states = bytearray()

    def columns(self) -> tuple[bytes, bytes]:
        """All there is, for ``of``."""
        return packed(self._seconds), bytes(self._states)

    @classmethod
    def of(cls, seconds: bytes, states: bytes) -> "Changes":
        """Those of these columns."""
        changes = cls()
        changes._seconds, changes._states = numbers("Q", seconds), bytearray(states)
        return changes

    @property
    def newest(self) -> tuple[int, int] | None:
        """The second of the last change and the state since then."""
        return (self._seconds[-1], self._states[-1]) if self._seconds else None

    def note(self, second: int, state: int) -> None:
        """This is the state from here on; seconds never fall.

        :param state: 0 to 255.
        """
        if self._seconds and self._seconds[-1] == second:
            self._states[-1] = state
        elif not self._states or self._states[-1] != state:
            self._seconds.append(second)
            self._states.append(state)
            if len(self._states) > self.MAX:
                half = self.MAX // 2
                del self._seconds[1:half:2]
                del self._states[1:half:2]

    def trim(self, before_s: int) -> None:
        """Let go of what was over before this second."""
        count = bisect_left(self._seconds, before_s + 1) - 1
        if count > 0:
            del self._seconds[:count]
            del self._states[:count]

    def at_ends(self, from_s: int, step_s: int, count: int) -> list[int | None]:
        """The state at the end of each of ``count`` steps; ``None`` before the first change."""
        states: list[int | None] = []
        at = 0
        for end_s in range(from_s + step_s, from_s + step_s * (count + 1), step_s):
            while at < len(self._seconds) and self._seconds[at] < end_s:
                at += 1
            states.append(self._states[at - 1] if at else None)
        return states
