"""All streams of thin lines: one for each filter, encoding and budget that somebody asks for."""

from vizd.stream.conflated import ConflatedStream
from vizd.stream.filter import Filter
from vizd.stream.interfaces import IEncoder
from vizd.stream.source import Source

__all__ = ["ConflatedStreams"]

MAX_WAITING_KEYS = 500_000
"""Of all streams together, about 100 MB; each has its share of them, and ``MIN_WAITING_KEYS`` at least."""
MIN_WAITING_KEYS = 500


class ConflatedStreams:
    """Of one daemon; those without readers go.

    :ivar source: what they read from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._streams: dict[tuple[Filter, str, int], ConflatedStream] = {}

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def are_waiting(self) -> bool:
        """Some line has something to say once there is room."""
        return any(stream.is_waiting for stream in self._streams.values())

    @property
    def max_waiting_keys(self) -> int:
        """Of each stream."""
        return max(MIN_WAITING_KEYS, MAX_WAITING_KEYS // max(1, len(self._streams)))

    def of(self, by: Filter, encoder: IEncoder, kbps: int, now_ms: float) -> ConflatedStream:
        """The stream for these, to join at once."""
        key = by, encoder.name, kbps
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = ConflatedStream(
                self.source, by, encoder, kbps, now_ms, lambda: self.max_waiting_keys, self._forget
            )
        return stream

    def _forget(self, stream: ConflatedStream) -> None:
        """It has no readers left."""
        self._streams = {key: each for key, each in self._streams.items() if each is not stream}
