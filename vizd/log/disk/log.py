"""The durable log: a chronicle whose blocks are in a database, and whose head is what is committed.

    append ──▶ waiting ──▶ one thread writes, a transaction at a time ──▶ head, listeners
    read   ◀── two threads read and unpack ◀── blocks

A window has its place when it is appended, and is seen by nobody until it is committed; all that wait by then are
committed together. Blocks, keyframes and what is trimmed go along in the same transactions, so that no commit waits
for more than one of each.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from vizd.log.borders import Borders
from vizd.log.disk.archive import Archive
from vizd.log.disk.contents import Contents
from vizd.log.disk.keyframes import PartedKeyframe, StoredKeyframe
from vizd.log.disk.lane import ILane, Lane
from vizd.log.disk.room import MIN_FREE_BYTES
from vizd.log.disk.scribe import Entry, Scribe, Turn, Written
from vizd.log.disk.shelf import READERS, Shelf
from vizd.log.disk.store import DamagedDatabase, Store, is_damage
from vizd.log.interfaces import ILog, IStalling, Stall
from vizd.log.stall import STALLED_AFTER_S
from vizd.log.window import Draft, Window

__all__ = ["DiskLog"]

MAX_WAITING_BYTES = 64 << 20
"""Of the memory of windows that are not committed yet: 20 s at 10,000 events/s, hours of a quiet cluster. Behind them
the inbox fills next."""
MAX_TOGETHER = 64
"""Windows that one transaction commits."""
MAX_NAMED = 3
"""Damaged places, in the daemon's own log."""
RETRY_S = 1.0
"""After a transaction that failed: a full disk may have room again."""


@implementer(ILog, IStalling)
class DiskLog(Archive):
    """See ``ILog``, and ``IStalling``.

    :ivar trouble: why nothing can be written now; ``None``: it can. :ivar is_started: until it is closed.
    """

    def __init__(
        self,
        directory: Path,
        origin: str,
        max_age_ms: int,
        max_bytes: int,
        reactor: Any,
        parts: Callable[[], Iterable[tuple[str, bytes]]] = tuple,
        of_use_ms: Mapping[str, int | None] = MappingProxyType({}),
        monotonic: Callable[[], float] = time.monotonic,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        """Read what there is. Threads and connections are for ``start``, so that the daemon may fork before.

        :param max_bytes: in the directory, and of what is not sealed yet; estimated.
        :param reactor: provides IReactorFromThreads and IReactorTime.
        :param parts: pieces of the state of the folds that listen, each with the name of its part.
        :param of_use_ms: for how long a part is, behind its keyframe; 0: until the next one; ``None``, or a part that
            is not named: as long as the windows behind it are there.
        :param monotonic: seconds, from anywhere.
        :param min_free_bytes: on the filesystem; with less the oldest segments go before their time.
        :raises Unusable: the directory can't be used.
        """
        self._store = Store(directory)
        contents = self._read_contents()
        super().__init__(origin, max_age_ms, max_bytes, self._store.epoch, partial(Borders, parts, kind=PartedKeyframe))
        self._of_use_ms = of_use_ms
        self._reactor = reactor
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._monotonic = monotonic
        self._min_free_bytes = min_free_bytes
        self._progress_s = monotonic()
        self._stall_listeners: list[Callable[[], None]] = []
        self.late_through = 0
        self._turn: Turn | None = None
        self._trimmed_seq = 0
        self._idle: list[Deferred[None]] = []
        self.trouble: str | None = None
        self.is_started = False
        self._resume_from(contents)
        self._appended = self.head
        self._appended_start_ms = self._newest_start_ms()
        self._appended_latest_ms = max([self._latest_sealed_ms(), *(window.end_ms for window in self._plain)])

    # What was there before.

    def _read_contents(self) -> Contents:
        try:
            contents = self._store.contents()
        except DamagedDatabase as why:
            self._store.begin_anew(str(why))
            contents = self._store.contents()
        if contents.damaged:
            self._log.error(
                "history is damaged in {places} places: {what}",
                places=len(contents.damaged),
                what=", ".join(contents.damaged[:MAX_NAMED]),
            )
        return contents

    # Starting and stopping.

    def start(self) -> None:
        """See ``ILog``."""
        self._start(
            Lane("log writer", self._reactor), [Lane(f"log reader {each}", self._reactor) for each in range(READERS)]
        )

    def _start(self, writing: ILane, reading: Sequence[ILane]) -> None:
        self._writing = writing
        self.is_started = True
        room = self._store.room(self._min_free_bytes, self._monotonic)
        self._scribe = Scribe(self._store.connect(), self._of_use_ms, room)
        self._shelf = Shelf(self._store, reading)
        self._work()

    async def settled(self) -> None:
        """See ``ILog``."""
        if self._turn is not None and self.trouble is None:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle

    async def close(self) -> None:
        """See ``ILog``. What can't be written now is not waited for."""
        if self.is_started:
            await self.settled()
            self._shelf.close()
            self._writing.stop()
            self._scribe.close()
            self.is_started = False
        self._store.close()

    # Where it stalls.

    @property
    def stall(self) -> Stall | None:
        """See ``IStalling``."""
        for_s = self._monotonic() - self._progress_s
        if self.trouble is not None:
            return Stall(self.trouble, for_s)
        if not self._waiting or for_s <= STALLED_AFTER_S:
            return None
        return Stall("the disk is slow", for_s)

    @property
    def waiting(self) -> int:
        """See ``IStalling``."""
        return len(self._waiting)

    def waiting_after(self, seq: int) -> Window | None:
        """See ``IStalling``."""
        if self.stall is None or not self._waiting:
            return None
        at = max(0, seq + 1 - self._waiting[0].window.seq)
        return self._waiting[at].window if at < len(self._waiting) else None

    def listen_stalled(self, listener: Callable[[], None]) -> None:
        """See ``IStalling``."""
        self._stall_listeners.append(listener)

    def _tell_stalled(self) -> None:
        if self.stall is not None:
            for listener in self._stall_listeners:
                listener()

    # Writing.

    @property
    def has_room(self) -> bool:
        """See ``ILog``."""
        return self._waiting_bytes < MAX_WAITING_BYTES

    def append(self, draft: Draft) -> None:
        """See ``ILog``."""
        if not self._waiting:
            self._progress_s = max(self._progress_s, self._monotonic())
        window = self._place(draft, self._appended, self._appended_start_ms)
        self._waiting.append(Entry(self._appended, self._appended_latest_ms, window))
        self._waiting_bytes += window.memory_bytes
        self._appended = window.position
        self._appended_start_ms = window.start_ms
        self._appended_latest_ms = max(self._appended_latest_ms, window.end_ms)
        self._work()
        self._tell_stalled()

    def _work(self) -> None:
        """Give the writer what is to be written, if it has nothing to do."""
        if self._turn is not None:
            return
        self._turn = self._next_turn()
        if self._turn is not None:
            self._write(self._turn)
        else:
            self._have_settled()

    def _have_settled(self) -> None:
        idle, self._idle = self._idle, []
        for each in idle:
            each.callback(None)

    def _write(self, turn: Turn) -> None:
        writing = self._writing.run(partial(self._scribe.write, turn))
        writing.addCallbacks(partial(self._written, turn), partial(self._failed, turn))
        writing.addErrback(lambda failure: self._log.failure("what was written could not be taken in", failure))

    def _next_turn(self) -> Turn | None:
        count = self._filled() or 0
        keyframe = next(self._unstored(), None)
        trim_seq = self.oldest.seq if self.oldest.seq > self._trimmed_seq else 0
        if not (self._waiting or count or keyframe or trim_seq):
            return None
        # Where much waits, no more comes to the head than is sealed behind it, or memory would fill with it.
        return Turn(
            list(islice(self._waiting, count or MAX_TOGETHER)),
            self._plain[:count],
            self.tail if count else None,
            self._latest_sealed_ms(),
            keyframe,
            trim_seq,
            is_least=not trim_seq and len(self._segments) <= 1,
        )

    def _unstored(self) -> Iterator[PartedKeyframe]:
        """The keyframes that are ready to be written."""
        for keyframe in chain((segment.keyframe for segment in self._segments), self._borders.ahead):
            if isinstance(keyframe, PartedKeyframe) and keyframe.is_made:
                yield keyframe

    def _written(self, turn: Turn, done: Written) -> None:
        self._turn = None
        if self.stall is not None:
            self.late_through = self._appended.seq
        self._progress_s = self._monotonic()
        if self.trouble is not None:
            self._log.info("the log is written again")
            self.trouble = None
        if done.head is not None:
            self._next_segment()
            self._sealed(done.head)
        if turn.keyframe is not None:
            self._swap(turn.keyframe, StoredKeyframe(turn.keyframe.position, done.keyframe_bytes))
        if done.is_trimmed:
            self._trimmed_seq = max(self._trimmed_seq, turn.trim_seq)
        for entry in turn.entries:
            self._waiting.popleft()
            self._waiting_bytes -= entry.window.memory_bytes
            self._join(entry.window)
            self._trim()
            try:
                self._tell(entry.window)
            except Exception:  # Those behind it are committed, too.
                self._log.failure("a listener could not take {window}", window=entry.window)
        if not turn.entries:
            self._trim()
        if done.is_short and done.is_trimmed and self.oldest.seq <= self._trimmed_seq:
            self._give_up_oldest()
        self._work()

    def _failed(self, turn: Turn, failure: Failure) -> None:
        """The turn stays what it is: all of it is tried again, or a block would be sealed twice."""
        why = str(failure.value)
        if is_damage(failure.value):
            self._store.suspect()
            why += ": the history is damaged; restart the daemon, which then keeps what can be read of it"
        if self.trouble is None:
            self._log.error("the log can't be written: {why}; until then nothing is acked", why=why)
        self.trouble = why
        self._have_settled()
        self._tell_stalled()
        self._reactor.callLater(RETRY_S, self._write, turn)
