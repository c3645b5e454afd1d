"""What is known of the publishers: who owns which node id, what each has sent, and what is stored of it.

Pure: no gRPC, no threads, no clock. The rules are those of the wire contract, section 1 ("Order" and "One
owner per node id"); a rule that is broken raises ``Fault``.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vizd.log.window import Mark, Publisher

__all__ = ["MAX_KNOWN", "MAX_NAME_BYTES", "Fault", "Intake", "Known", "Refused", "Registry", "Stream"]

MAX_KNOWN = 10_000
"""Incarnations remembered; beyond it the one that was connected longest ago is forgotten. It is then like
one from before this daemon's start: what it says that it was acked is believed."""
MAX_NAME_BYTES = 256
"""Of ``Hello.node_name``, as of every other string."""
_U64_MAX = 2**64 - 1


class Fault(Exception):
    """Ends a stream.

    :ivar code: a name of gRPC's status codes. :ivar details: what was wrong, and what would be right.
    """

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


class Refused(Fault):
    """Somebody else is this node.

    :ivar mark: what the log may hear of it.
    """

    def __init__(self, code: str, details: str, publisher: Publisher) -> None:
        super().__init__(code, details)
        self.mark = Mark(publisher, 1, 0, refused=True)


@dataclass(slots=True)
class Known:
    """What is known of one incarnation, whether it is connected or not.

    :ivar stored_through: the log has everything up to this seq that was not lost.
    :ivar received_through: the highest seq taken in.
    :ivar accounted_through: received or known to be lost.
    :ivar given_up: the highest ``Events.dropped`` it reported.
    :ivar fenced: another process has taken this identity.
    :ivar skew_ms: its clock minus the daemon's, as last marked.
    """

    publisher: Publisher
    stored_through: int
    received_through: int
    accounted_through: int
    given_up: int = 0
    fenced: bool = False
    skew_ms: int | None = None
    received: int = 0
    duplicates: int = 0
    invalid: int = 0
    unknown: int = 0
    lost: int = 0


@dataclass(slots=True, eq=False)
class Stream:
    """One open stream of a publisher.

    :ivar end: ends it from outside, with the reason.
    :ivar next_seq: no message may begin below this.
    :ivar silent: it has sent nothing for so long that it counts as disconnected.
    """

    known: Known
    end: Callable[[Fault], None]
    next_seq: int = 1
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """What to make of a message.

    :ivar duplicates: how many events at its beginning are known already.
    :ivar lost: events that it shows to be lost.
    """

    duplicates: int
    lost: int


@dataclass(slots=True)
class Totals:
    """Events over all publishers since the start."""

    received: int = 0
    duplicates: int = 0
    invalid: int = 0
    unknown: int = 0
    lost: int = 0


@dataclass(slots=True)
class Registry:
    """All publishers of this daemon.

    :ivar streams: the open stream of each node id.
    """

    streams: dict[int, Stream] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    _known: OrderedDict[Publisher, Known] = field(default_factory=OrderedDict)
    _latest: dict[tuple[int, str], Known] = field(default_factory=dict)

    def recall(self, known: Known) -> None:
        """What the log knows of an incarnation from before this daemon's start; those that connected first, first."""
        self._remember(known)

    def connect(
        self, publisher: Publisher, next_seq: int, acked_through: int, end: Callable[[Fault], None]
    ) -> tuple[Stream, list[Mark]]:
        """Let a publisher own its node id from now on, and end the stream that did.

        :param next_seq: ``Hello.next_seq``. :param acked_through: ``Hello.acked_through``.
        :param end: how the new stream is ended when another takes over.
        :returns: the stream, and the marks of what has changed.
        :raises Refused: an id that is another's; an incarnation that was replaced.
        :raises Fault: no name, or one that is too long.
        """
        self._check_name(publisher.name)
        before = self.streams.get(publisher.node)
        if before and before.known.publisher.name != publisher.name and not before.silent:
            raise Refused(
                "ALREADY_EXISTS",
                f"node {publisher.node} is connected as {before.known.publisher.name!r}, so {publisher.name!r}"
                " can't be it too: give each node an id of its own",
                publisher,
            )
        known = self._known.get(publisher)
        if known and known.fenced:
            raise Refused(
                "FAILED_PRECONDITION",
                f"incarnation {publisher.incarnation:#018x} of {publisher.name!r} was replaced by a newer process:"
                " two processes have one identity, or Hello.incarnation was not drawn anew at the start",
                publisher,
            )
        marks = self._take_over(publisher, before)
        if known is None:
            known = self._remember(Known(publisher, acked_through, acked_through, acked_through))
        self._known.move_to_end(publisher)

        base = max(known.accounted_through, acked_through)
        lost = max(0, next_seq - 1 - base)
        known.accounted_through = base + lost
        self._count_lost(known, lost)
        stream = self.streams[publisher.node] = Stream(known, end)
        marks.append(self._mark(known, connected=True, lost=lost))
        return stream, marks

    def _check_name(self, name: str) -> None:
        if not name:
            raise Fault("INVALID_ARGUMENT", "Hello.node_name is empty: it is what people will see")
        if len(name.encode()) > MAX_NAME_BYTES:
            raise Fault("INVALID_ARGUMENT", f"Hello.node_name is over {MAX_NAME_BYTES} bytes long")

    def _take_over(self, publisher: Publisher, before: Stream | None) -> list[Mark]:
        """End ``before``, and fence every other incarnation of this identity."""
        marks = []
        identity = (publisher.node, publisher.name)
        latest = self._latest.get(identity)
        if latest and latest.publisher != publisher:
            latest.fenced = True
        if before:
            if before.known.publisher != publisher and not before.silent:
                marks.append(self._mark(before.known, connected=False))
            before.end(Fault("ABORTED", f"another stream of {publisher.name!r} has taken over node {publisher.node}"))
        return marks

    def _remember(self, known: Known) -> Known:
        publisher = known.publisher
        self._known[publisher] = known
        self._latest[publisher.node, publisher.name] = known
        if len(self._known) > MAX_KNOWN:
            needed = {publisher, *(stream.known.publisher for stream in self.streams.values())}
            oldest = next((each for each in self._known if each not in needed), None)
            if oldest is not None:
                del self._known[oldest]
                if self._latest.get((oldest.node, oldest.name), known).publisher == oldest:
                    del self._latest[oldest.node, oldest.name]
        return known

    def disconnect(self, stream: Stream) -> list[Mark]:
        """The stream has ended, for whatever reason."""
        node = stream.known.publisher.node
        if self.streams.get(node) is not stream:
            return []
        del self.streams[node]
        return [] if stream.silent else [self._mark(stream.known, connected=False)]

    def silence(self, stream: Stream) -> list[Mark]:
        """Nothing came for so long that the node counts as disconnected. The stream stays."""
        if stream.silent or self.streams.get(stream.known.publisher.node) is not stream:
            return []
        stream.silent = True
        return [self._mark(stream.known, connected=False)]

    def speak(self, stream: Stream) -> list[Mark]:
        """Something came."""
        if not stream.silent:
            return []
        stream.silent = False
        return [self._mark(stream.known, connected=True)]

    def take(self, stream: Stream, first_seq: int, count: int, dropped: int) -> Intake:
        """Account for a message of ``count`` events.

        :param dropped: ``Events.dropped``.
        :raises Fault: its seqs are not where they can be.
        """
        last_seq = first_seq + count - 1
        if first_seq == 0:
            raise Fault("INVALID_ARGUMENT", "Events.first_seq is 0: the first seq of an incarnation is 1")
        if first_seq < stream.next_seq:
            raise Fault(
                "INVALID_ARGUMENT",
                f"Events.first_seq went back to {first_seq}: this stream has come to {stream.next_seq} already",
            )
        if last_seq > _U64_MAX:
            raise Fault("INVALID_ARGUMENT", f"Events.first_seq {first_seq} leaves no room for {count} seqs in 64 bits")
        stream.next_seq = last_seq + 1
        known = stream.known
        duplicates = min(count, max(0, known.received_through - first_seq + 1))
        lost = max(0, first_seq - 1 - known.accounted_through) + max(0, dropped - known.given_up)
        known.given_up = max(known.given_up, dropped)
        known.accounted_through = max(known.accounted_through, last_seq)
        if count:
            known.received_through = max(known.received_through, last_seq)
        known.duplicates += duplicates
        self.totals.duplicates += duplicates
        self._count_lost(known, lost)
        return Intake(duplicates, lost)

    def count(self, known: Known, received: int, invalid: int, unknown: int) -> None:
        """How the new events of a message came out."""
        known.received += received
        known.invalid += invalid
        known.unknown += unknown
        self.totals.received += received
        self.totals.invalid += invalid
        self.totals.unknown += unknown

    def _count_lost(self, known: Known, lost: int) -> None:
        # A forged seq can claim 2**64 losses at a time; sums stay within what JSON readers can take.
        known.lost = min(_U64_MAX, known.lost + lost)
        self.totals.lost = min(_U64_MAX, self.totals.lost + lost)

    def stored(self, marks: Iterable[Mark]) -> list[Stream]:
        """The log has these marks; which streams can be told so."""
        streams = {}
        for mark in marks:
            known = self._known.get(mark.publisher)
            if known is None:
                continue
            known.stored_through = max(known.stored_through, mark.last_seq)
            stream = self.streams.get(mark.publisher.node)
            if stream and stream.known is known:
                streams[mark.publisher.node] = stream
        return list(streams.values())

    @staticmethod
    def _mark(known: Known, *, connected: bool, lost: int = 0) -> Mark:
        through = known.received_through
        return Mark(known.publisher, through + 1, through, lost=lost, connected=connected, given_up=known.given_up)
