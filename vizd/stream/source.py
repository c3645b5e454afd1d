"""What all thin lines of one daemon read from, and how their batches are written.

A window is digested once for each filter, whatever the budgets of its readers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from vizd.events.facet import Facet
from vizd.log.interfaces import ILog
from vizd.log.stall import stalling
from vizd.log.window import Position, Window
from vizd.state.keys import Keys
from vizd.state.view import View
from vizd.stream.digest import Digest, digest
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames
from vizd.stream.interfaces import IEncoder
from vizd.stream.recent import Recent

__all__ = ["Source"]


class Source:
    """Of one daemon.

    :ivar log: that the lines follow. :ivar stalling: what that says of stalls. :ivar view: of the state at the head.
    :ivar frames: that they share with others.
    :cvar MAX_DIGESTS: kept, with ``MAX_DIGEST_BYTES``; 200 different filters fit for two ticks.
    """

    MAX_DIGESTS = 512
    MAX_DIGEST_BYTES = 16 << 20

    def __init__(
        self, log: ILog, frames: Frames, view: Callable[[], View], is_newest: Callable[[bytes, bytes], bool]
    ) -> None:
        """
        :param is_newest: of this key there is nothing newer in the state at the head than this event.
        """
        self.log = log
        self.frames = frames
        self.view = view
        self.stalling = stalling(log)
        self._is_newest = is_newest
        self._keys = Keys()
        self._digests = Recent[tuple[Filter, int], Digest | None](self.MAX_DIGESTS, self.MAX_DIGEST_BYTES)

    def digest(self, window: Window, by: Filter) -> Digest | None:
        """What ``by`` lets pass of ``window``, remembered; ``None``: nothing."""
        key = by, window.seq
        if key in self._digests:
            return self._digests[key]
        found = None
        if by.wants_types(window.types):
            found = digest(window, by.verdicts, self._keys)
            found = found if found.events else None
        return self._digests.keep(key, found, found.memory_bytes if found else 0)

    def key(self, facet: Facet, event: bytes) -> bytes:
        """What "the newest one" of this event, a phase or a gauge, is counted by."""
        return self._keys.of(facet, event)

    def is_current(self, facet: Facet, event: bytes) -> bool:
        """Nothing newer has come of its key since this event of the state."""
        return self._is_newest(self.key(facet, event), event)

    def framed(
        self,
        start_ms: int,
        position: Position,
        events: Sequence[bytes],
        counts: Sequence[int],
        encoder: IEncoder,
        *,
        is_provisional: bool = False,
    ) -> Frame:
        """A batch of a thin line.

        :param position: behind its last window; not told where those are not in the log yet.
        :param events: encoded. :param counts: what has happened, by type, whether it is sent or not.
        """
        end_ms = position.end_ms or start_ms
        place: dict[str, Any] = (
            {"provisional": True} if is_provisional else {"position": self.frames.position_text(position)}
        )
        data = encoder.data(start_ms, end_ms, events, counts)
        return Frame(
            encoder.batch(data, place | {"sent": len(events), "of": sum(counts)}), encoder.is_binary, len(events)
        )
