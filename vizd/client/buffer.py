"""What a publisher has still to deliver: the send buffer of one incarnation.

Events wait without a sequence number until ``take`` gives them one; from then on they are kept until the
daemon has stored them, and are given out again after ``rewind``. When the bounds are reached, what waits is
dropped, least precious class first, and counted. Wire contract: section "Nodes in".

It holds events as opaque bytes and knows no clock, lock, thread or gRPC; whoever shares it between
threads locks it.
"""

from collections import deque
from dataclasses import dataclass

from vizd.events.catalogue import EventClass

__all__ = ["Batch", "SendBuffer"]

_DROP_ORDER = (EventClass.GAUGE, EventClass.LOG, EventClass.PHASE, EventClass.TRANSITION)
"""A reading is replaced by the next one; a transition is the cluster's state, and goes only when nothing else waits."""

_Entry = tuple[int, bytes]
"""The event's number among all emitted ones, and the event."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events with consecutive sequence numbers, the first of which is ``first_seq``."""

    first_seq: int
    events: list[bytes]


class SendBuffer:
    """Every event added is, at any time, either acked, in flight, waiting or dropped.

    :ivar emitted: events added.
    :ivar dropped: events given up before they got a sequence number, by class.
    :ivar dropped_total: the sum of ``dropped``.
    :ivar waiting: events that have no sequence number yet.
    :ivar last_seq: the highest sequence number given; 0 when none was.
    :ivar acked_through: the highest ``stored_through`` that the daemon has told.
    """

    def __init__(self, max_events: int, max_bytes: int) -> None:
        """
        :param max_events: kept at most, waiting and in flight together; 1 or more.
        :param max_bytes: of the events' own bytes kept at most, likewise. What Python adds, about
            120 bytes an event, is not counted.
        :raises ValueError: if a bound is not positive.
        """
        if max_events < 1 or max_bytes < 1:
            raise ValueError(f"max_events {max_events} and max_bytes {max_bytes}: both must be 1 or more")
        self.emitted = 0
        self.dropped = dict.fromkeys(EventClass, 0)
        self.dropped_total = 0
        self.waiting = 0
        self.last_seq = 0
        self.acked_through = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        # Half of the room is for what waits: were all of it in flight, there would be no gauge to
        # give up for a transition that comes while the daemon is slow.
        self._max_unacked_events = max(1, max_events // 2)
        self._max_unacked_bytes = max_bytes // 2
        self._kept = 0
        self._kept_bytes = 0
        self._unacked_bytes = 0
        self._waiting: dict[EventClass, deque[_Entry]] = {each: deque() for each in _DROP_ORDER}
        self._sent: deque[_Entry] = deque()
        self._again: deque[_Entry] = deque()
        self._max_in_flight = 0
        self._sent_through = 0
        self._received_through = 0

    @property
    def following_seq(self) -> int:
        """``Events.first_seq`` of a heartbeat: that of the event that ``take`` would give out next."""
        return self._sent_through + 1

    @property
    def unacked(self) -> int:
        """Events that have a sequence number and are not acked: sent, or to be sent again."""
        return len(self._sent) + len(self._again)

    @property
    def sendable(self) -> int:
        """How many events ``take`` may give out now: 0 exactly if none, else its bounds in bytes may make it fewer."""
        ready = len(self._again)
        if self.waiting and self._fits(min(entries[0] for entries in self._waiting.values() if entries)[1]):
            ready += max(0, min(self.waiting, self._max_unacked_events - self.unacked))
        return max(0, min(ready, self._room))

    @property
    def is_received(self) -> bool:
        """Whether the daemon has taken in all that was added and not dropped."""
        return not self.waiting and not self._again and self._received_through >= self._sent_through

    @property
    def oldest(self) -> int:
        """The number, from 1, of the oldest event that is neither acked nor dropped; ``emitted + 1`` if none is."""
        for entries in (self._sent, self._again):
            if entries:
                return entries[0][0]
        return min((entries[0][0] for entries in self._waiting.values() if entries), default=self.emitted + 1)

    @property
    def _room(self) -> int:
        """What the daemon lets be on its way beyond what it has received."""
        return self._max_in_flight - (self._sent_through - self._received_through)

    def _fits(self, event: bytes) -> bool:
        """Whether one more event may be kept until it is acked."""
        return not self.unacked or self._unacked_bytes + len(event) <= self._max_unacked_bytes

    def add(self, event: bytes, event_class: EventClass) -> None:
        """Let ``event`` wait, and drop what no longer fits: O(1), amortized.

        The one dropped may be ``event`` itself. One that alone is larger than the bound is always dropped.
        """
        if len(event) > self._max_bytes:
            self.refuse(event_class)
            return
        self.emitted += 1
        self._waiting[event_class].append((self.emitted, event))
        self.waiting += 1
        self._kept += 1
        self._kept_bytes += len(event)
        while self._kept > self._max_events or self._kept_bytes > self._max_bytes:
            self._drop_one()

    def refuse(self, event_class: EventClass) -> None:
        """Count an event as emitted and dropped: nothing is sent any more."""
        self.emitted += 1
        self._count_dropped(event_class)

    def _drop_one(self) -> None:
        for event_class in _DROP_ORDER:
            entries = self._waiting[event_class]
            if entries:
                self._kept_bytes -= len(entries.popleft()[1])
                self._kept -= 1
                self.waiting -= 1
                self._count_dropped(event_class)
                return

    def _count_dropped(self, event_class: EventClass) -> None:
        self.dropped[event_class] += 1
        self.dropped_total += 1

    def rewind(self, stored_through: int, max_in_flight: int) -> None:
        """Begin a stream as its Welcome says: what is not stored is given out again, with the same numbers.

        :param stored_through: ``Welcome.stored_through``. Lower than what was acked before (a daemon that
            lost its log), it changes nothing: what was acked is no longer here to be sent.
        :param max_in_flight: ``Welcome.max_in_flight``, in events; 0, as from a daemon that sets none: no bound.
        :raises ValueError: as ``acked``.
        """
        self._sent.extend(self._again)
        self._sent, self._again = deque(), self._sent
        self.acked(stored_through)
        self._sent_through = self._received_through = self.acked_through
        self._max_in_flight = max_in_flight or self._max_events

    def acked(self, stored_through: int) -> None:
        """Forget what is stored: up to and including ``stored_through``. A lower one than before is ignored.

        :raises ValueError: if ``stored_through`` was never given out: the daemon means another publisher.
        """
        if stored_through > self.last_seq:
            raise ValueError(f"stored_through {stored_through}: no event beyond {self.last_seq} was ever sent")
        size = 0
        for _ in range(stored_through - self.acked_through):
            size += len((self._sent or self._again).popleft()[1])
            self._kept -= 1
        self._kept_bytes -= size
        self._unacked_bytes -= size
        self.acked_through = max(self.acked_through, stored_through)
        self._sent_through = max(self._sent_through, stored_through)
        self.received(stored_through)

    def received(self, received_through: int) -> None:
        """Let more be in flight: ``Ack.received_through``. A lower one than before is ignored."""
        self._received_through = max(self._received_through, min(received_through, self._sent_through))

    def take(self, max_events: int, max_bytes: int) -> Batch:
        """The next events to send, in the order in which they were added, as far as the daemon has room.

        :param max_events: in this batch.
        :param max_bytes: of this batch; a first event is given out even if it alone is larger.
        """
        first_seq = self.following_seq
        limit = min(max_events, self._room)
        events: list[bytes] = []
        size = 0
        while self._again and len(events) < limit and (not events or size + len(self._again[0][1]) <= max_bytes):
            entry = self._again.popleft()
            self._sent.append(entry)
            events.append(entry[1])
            size += len(entry[1])
        if not self._again:
            resent = len(events)
            fresh = min(limit - resent, self._max_unacked_events - len(self._sent))
            self._take_waiting(events, resent + fresh, max_bytes - size)
            self.waiting -= len(events) - resent
            self._unacked_bytes += sum(map(len, events[resent:]))
        self._sent_through += len(events)
        self.last_seq = max(self.last_seq, self._sent_through)
        return Batch(first_seq, events)

    def _take_waiting(self, into: list[bytes], until_length: int, max_bytes: int) -> None:
        """Merges the classes by the events' numbers, a run of one class at a time: gauges come in long ones."""
        queues = [entries for entries in self._waiting.values() if entries]
        sent = self._sent
        left_unacked_bytes = self._max_unacked_bytes - self._unacked_bytes
        while queues and len(into) < until_length:
            queues.sort(key=_head)
            run = queues[0]
            until = queues[1][0][0] if len(queues) > 1 else self.emitted + 1
            while run and run[0][0] < until and len(into) < until_length:
                size = len(run[0][1])
                if (into and size > max_bytes) or (sent and size > left_unacked_bytes):
                    return
                entry = run.popleft()
                sent.append(entry)
                into.append(entry[1])
                max_bytes -= size
                left_unacked_bytes -= size
            if not run:
                queues.pop(0)


def _head(entries: deque[_Entry]) -> int:
    return entries[0][0]
