"""The law: delivered windows and declared gaps are the whole log, in order, each once.

A machine does whatever comes to its mind to a log and a client of it, and checks each message by its position: what
lies between the place where the client stood and the place where it stands now is exactly what the message says.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgpack
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation
from tests.stream.made import draft, followed, made, memory_log
from tests.stream.reference import passes
from vizd.log.segment import Segment
from vizd.log.window import PageLimits, Position
from vizd.state.projection import Projection
from vizd.stream import history as history_module
from vizd.stream import live as live_module
from vizd.stream import near as near_module
from vizd.stream import snapshot as snapshot_module
from vizd.stream import walk as walk_module
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.history import ReadSlots, Wanted
from vizd.stream.position import position_from_text, position_to_text
from vizd.stream.snapshot import Look, StateWish, WantedView

MERGED_EVENTS = 5
PAGE_WINDOWS = 4
"""Of a message at the head and behind it: small, so that both bounds are met."""
BATCH_EVENTS = 3
"""Of a snapshot."""
COUNTS = ("wal", "compaction", "lsm", "raft", "swim", "shard", "cache", "heat")
LIMITS = st.fixed_dictionaries({
    "nodes": st.lists(st.integers(1, 4), max_size=2),
    "types": st.lists(st.sampled_from(["wal", "Raft", "heat"]), max_size=1),
    "shards": st.lists(st.integers(0, 3), max_size=2),
})  # fmt: skip


@dataclass
class Past:
    """What the machine knows of a history that is under way.

    :ivar wanted: seqs of the windows with events for it, as the log stood. :ivar gone: of those, the ones in gaps.
    """

    from_ms: int
    to_ms: int
    speed: float | None
    limits: dict[str, Any]
    wanted: list[int]
    began: tuple[int, float] | None = None
    batches: int = 0
    events: int = 0
    gone: set[int] = field(default_factory=set)


class AnyClient(RuleBasedStateMachine):
    """A client that does anything."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = ReadSlots()
        self.others = 0
        self.now_ms = 0.0
        self.made = 0
        self.lives = 0
        self.begin_log()

    def begin_log(self) -> None:
        """The daemon's (next) life."""
        self.lives += 1
        self.log = memory_log(max_age_ms=1_500, epoch=self.lives.to_bytes(8, "big"))
        self.windows: list[Any] = []
        self.log.listen(self.windows.append)
        self.projection = followed(self.log)
        self.told: list[str] = []

    @initialize(
        is_binary=st.booleans(),
        limits=LIMITS,
        max_lag_ms=st.sampled_from([0, 200, 10_000]),
        wish=st.sampled_from(StateWish),
    )
    def begin(self, is_binary: bool, limits: dict[str, Any], max_lag_ms: int, wish: StateWish) -> None:
        self.wish = wish
        self.forgets_states = False
        self.connect(None, is_binary, limits, max_lag_ms)
        self.expect_state(0)

    # The state.

    def expect_state(self, seq: int, *, asked: bool = False) -> None:
        """As of the window ``seq``, before anything behind that. What was asked for and has not come, still comes."""
        self.state_got = []
        if asked or self.state or self.wish is not StateWish.NONE:
            self.state = seq, self.limits
            self.exempt = True

    def folded(self, seq: int) -> Projection:
        """The state behind the window ``seq``."""
        projection = Projection(3_600_000)
        for window in self.windows[:seq]:
            projection.fold(window)
        return projection

    def right_state(self, seq: int, limits: dict[str, Any]) -> list[str]:
        texts = [text for part in self.folded(seq).view().slices() for text in part.fragments]
        return sorted(json.dumps(event) for event in map(json.loads, texts) if passes(event, **limits))

    def check_state(self, message: dict[str, Any], *, in_history: bool = False) -> None:
        """One message of a snapshot."""
        seq, limits = self.past_state if in_history else self.state  # type: ignore[misc]
        got = self.past_got if in_history else self.state_got
        right = self.right_state(seq, limits)
        if message["type"] == "position":
            assert (message, right) == ({"type": "position", "position": self.text(seq)}, [])
            self.state = None
            return
        data = message["data"]
        assert message["snapshot"] is True
        assert "truncated" not in message
        assert data["window_start"] == data["window_end"] == self.windows[seq - 1].end_ms
        assert 0 < len(data["events"]) <= BATCH_EVENTS
        assert sum(data["summary"].values()) == len(data["events"])
        got += [json.dumps(event) for event in data["events"]]
        if in_history:
            assert (message["history"], "position" in message) == (True, False)
            if len(got) == len(right):
                assert sorted(got) == right
                self.past_state = None
        elif "position" in message:
            assert (message["position"], sorted(got)) == (self.text(seq), right)
            self.state = None

    @rule(forgets=st.booleans())
    def the_log_forgets_states(self, forgets: bool) -> None:
        self.forgets_states = forgets

    def connect(self, position: str | None, is_binary: bool, limits: dict[str, Any], max_lag_ms: int) -> None:
        self.is_binary, self.limits, self.max_lag_ms = is_binary, limits, max_lag_ms
        encoder = MESSAGEPACK if is_binary else JSON
        self.client = Conversation(
            self.log, encoder, self.slots, Filter.of(**limits), position, max_lag_ms, self.now_ms, self.wish,
            self.projection,
        )  # fmt: skip
        self.held = self.exempt = False
        self.state: tuple[int, dict[str, Any]] | None = None
        self.state_got: list[Any] = []
        self.past: Past | None = None
        self.replies: deque[Any] = deque()
        self.past_gaps: deque[Any] = deque()

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.hear_everything()
            self.client.session.close()
            assert self.slots.taken == self.others

    # The log.

    @rule(counts=st.lists(st.integers(0, 3), max_size=4), step_ms=st.sampled_from([50, 50, 50, 400]))
    def append(self, counts: list[int], step_ms: int) -> None:
        events = []
        for node, count in enumerate(counts, 1):
            for _ in range(count):
                self.made += 1
                if self.made % 5 == 0:
                    events.append(made("Raft.StepDown", publisher=node, shard=self.made % 3, ts=self.made))
                else:
                    events.append(made("Wal.Fsync", publisher=1, node=node, ms=self.made, ts=self.made))
        self.log.append(draft(1_000 + len(self.windows) * step_ms, events))

    @rule(count=st.integers(5, 40))
    def append_many(self, count: int) -> None:
        for number in range(count):
            self.append([number % 2], 50)

    def matching(self, left: int, right: int, limits: dict[str, Any]) -> list[tuple[Any, list[Any]]]:
        """The windows behind ``left``, through ``right``, that have events for ``limits``, with these."""
        found = []
        for window in self.windows[left:right]:
            events = [json.loads(text) for text in window.fragments]
            passing = [event for event in events if passes(event, **limits)]
            if passing:
                found.append((window, passing))
        return found

    # What the client says.

    def tell(self, **fields: Any) -> None:
        before = self.cursor
        if self.is_binary:
            self.client.session.receive(msgpack.packb(fields), True, 5)
        else:
            self.client.tell(**fields)
        assert self.cursor == before or self.replies or fields["type"] == "resume"

    @rule(limits=LIMITS, state=st.sampled_from([None, None, True]))
    def filter(self, limits: dict[str, Any], state: bool | None) -> None:
        self.tell(type="filter", **limits, **({"state": state} if state else {}))
        self.limits = limits
        if state or self.state:  # What is under way begins again.
            self.expect_state(self.cursor, asked=True)

    @rule()
    def ping(self) -> None:
        self.tell(type="ping")
        self.replies.append({"type": "pong", "timestamp_ms": 1_234 if not self.is_binary else 5})

    @rule()
    def nonsense(self) -> None:
        self.tell(type="filter", nodes=[-1])
        self.replies.append("error")

    @rule()
    def pause(self) -> None:
        self.tell(type="pause")
        self.held = True

    @rule(catch_up=st.booleans())
    def resume(self, catch_up: bool) -> None:
        left = self.cursor
        self.tell(type="resume", catch_up=catch_up)
        if not self.held:
            assert self.cursor == left
            return
        self.held = False
        self.exempt = self.exempt or catch_up
        assert self.cursor == (max(left, self.log.oldest.seq) if catch_up else len(self.windows))
        if self.events_between(left, self.cursor):
            self.replies.append(self.gap(left, self.cursor, "paused"))
            self.expect_state(self.cursor)

    def events_between(self, left: int, right: int) -> int:
        return sum(len(window.fragments) for window in self.windows[left:right])

    def gap(self, left: int, entered: int, reason: str) -> dict[str, Any]:
        """What is to be said of the windows behind ``left``, through ``entered``."""
        return {
            "type": "gap",
            "from_ms": self.windows[left - 1].end_ms if left else None,
            "to_ms": self.windows[entered].start_ms if entered < len(self.windows) else self.windows[-1].end_ms,
            "windows": entered - left,
            "events": self.events_between(left, entered),
            "reason": reason,
            "position": self.text(entered),
        }

    def text(self, seq: int) -> str:
        """Of the position behind the window ``seq``."""
        end_ms = self.windows[seq - 1].end_ms if seq else None
        return position_to_text(self.log.epoch, Position(seq, self.events_between(0, seq), end_ms))

    # Connections that end, and daemons that do.

    @rule(data=st.data(), is_binary=st.booleans(), max_lag_ms=st.sampled_from([0, 200, 10_000]))
    def come_back(self, data: st.DataObject, is_binary: bool, max_lag_ms: int) -> None:
        """With a position that it was told, in this life or an earlier one, or with none."""
        self.client.session.close()
        position = data.draw(st.none() | st.sampled_from([*self.told[-3:], *self.told[:2], "", "nonsense"]))
        self.connect(position, is_binary, self.limits, max_lag_ms)
        if position is None or position in self.told:
            seq = len(self.windows) if position is None else position_from_text(self.log.epoch, position).seq
            self.exempt = position is not None
            oldest = self.log.oldest.seq
            if seq < oldest:
                self.replies.append(self.gap(seq, oldest, "trimmed"))
            if seq < oldest or position is None:
                self.expect_state(max(seq, oldest))
            if seq < oldest or self.state:
                assert "position" not in self.client.connected
            else:
                assert self.client.connected["position"] == self.text(seq)
            assert self.cursor == max(seq, oldest)
        else:
            self.expect_restart()

    @rule(is_binary=st.booleans())
    def the_daemon_begins_anew(self, is_binary: bool) -> None:
        known = self.told[-1:] or [self.text(len(self.windows))]
        self.client.session.close()
        self.begin_log()
        self.connect(known[0], is_binary, self.limits, self.max_lag_ms)
        self.expect_restart()

    def expect_restart(self) -> None:
        head = len(self.windows)
        assert self.cursor == head
        assert "position" not in self.client.connected
        to_ms = self.windows[-1].end_ms if self.windows else None
        self.replies.append({
            "type": "gap", "from_ms": None, "to_ms": to_ms, "windows": None, "events": None, "reason": "restart",
            "position": self.text(head),
        })  # fmt: skip
        self.expect_state(head)

    # The past.

    @rule(
        back=st.integers(0, 60),
        length=st.integers(0, 60),
        speed=st.sampled_from([None, None, 0.5, 10.0]),
        state=st.booleans(),
    )
    def history(self, back: int, length: int, speed: float | None, state: bool) -> None:
        newest_ms = self.windows[-1].start_ms if self.windows else 1_000
        from_ms = max(0, newest_ms - 50 * back)
        to_ms = from_ms + 50 * length
        asked: dict[str, Any] = {} if speed is None else {"speed": speed}
        self.tell(type="history", from_ms=from_ms, to_ms=to_ms, state=state, **asked)
        self.cancel()
        if self.others == ReadSlots.MAX:
            self.replies.append("error")
            return
        oldest = self.log.oldest
        in_range = [
            window.seq
            for window, _ in self.matching(oldest.seq, len(self.windows), self.limits)
            if from_ms <= window.start_ms < to_ms
        ]
        self.past = Past(from_ms, to_ms, speed, self.limits, in_range)
        self.past_gaps.clear()
        self.past_got: list[Any] = []
        self.past_state: tuple[int, dict[str, Any]] | None = None
        if state:
            begins = max(oldest.seq, sum(window.start_ms < from_ms for window in self.windows))
            self.past_state = (begins, self.limits) if self.right_state(begins, self.limits) else None
        if oldest.end_ms is not None and oldest.end_ms > from_ms and to_ms > from_ms:
            first_ms = self.windows[oldest.seq].start_ms
            self.past_gaps.append({
                "type": "gap", "from_ms": from_ms, "to_ms": min(first_ms, to_ms), "windows": None, "events": None,
                "reason": "trimmed", "history": True,
            })  # fmt: skip

    @rule()
    def history_cancel(self) -> None:
        self.tell(type="history_cancel")
        self.cancel()

    def cancel(self) -> None:
        if self.past:
            self.replies.append(self.history_end(cancelled=True))
            self.past = None

    def history_end(self, *, cancelled: bool) -> dict[str, Any]:
        past = self.past
        assert past is not None
        return {"type": "history_end", "from_ms": past.from_ms, "to_ms": past.to_ms,
                "batches": past.batches, "events": past.events, "cancelled": cancelled}  # fmt: skip

    # Others, and the time.

    @precondition(lambda self: self.others < ReadSlots.MAX)
    @rule()
    def somebody_reads(self) -> None:
        if self.slots.take():
            self.others += 1

    @precondition(lambda self: self.others)
    @rule()
    def somebody_has_read(self) -> None:
        self.slots.give_back()
        self.others -= 1

    @rule(ms=st.integers(1, 6_000))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms
        self.client.now_ms = self.now_ms

    # What the client hears.

    @property
    def cursor(self) -> int:
        """The seq of the window behind which it stands."""
        return len(self.windows) - int(self.client.session.described()["lag_windows"])

    @rule()
    def hear_one(self) -> None:
        self.hear()

    def hear(self) -> bool:
        """One message, or none: exactly the one that it is owed."""
        left, lag_ms = self.cursor, self.client.session.described()["lag_ms"]
        message = self.client.hear()
        if self.replies:
            right = self.replies.popleft()
            assert (message["type"] == "error") if right == "error" else (message == right), (message, right)
            assert self.cursor == left
        elif message is None or "history" in message or message["type"] == "history_end":
            self.check_silence(left)
            self.check_past(message)
        elif self.state:
            self.check_state(message)
            assert self.cursor == left
        else:
            self.check_live(message, left, lag_ms)
        if message is not None and "position" in message:
            self.told.append(message["position"])
        return message is not None

    def check_silence(self, left: int) -> None:
        """What was passed over had nothing for it."""
        assert not self.matching(left, self.cursor, self.limits)
        self.look_at_head()

    def look_at_head(self) -> None:
        if self.cursor == len(self.windows) and not self.held and not self.state:
            self.exempt = False

    def check_live(self, message: dict[str, Any], left: int, lag_ms: int) -> None:
        assert not self.held
        right = self.cursor
        assert message["position"] == self.text(right)
        is_slow = bool(self.max_lag_ms and not self.exempt and lag_ms > self.max_lag_ms)
        found = self.matching(left, right, self.limits)
        match message["type"]:
            case "gap" if is_slow:
                assert (message, right) == (self.gap(left, right, "slow"), len(self.windows))
                assert message["events"]
                self.expect_state(right)
            case "gap":
                assert (message, right) == (self.gap(left, right, "trimmed"), self.log.oldest.seq)
                self.expect_state(right)
            case "position":
                assert right > left or message["position"] not in self.told
                assert not found
            case _:
                assert not is_slow
                assert left >= self.log.oldest.seq
                assert message == self.batch(found) | {"position": self.text(right)}
                events_before_the_last = sum(len(events) for _, events in found[:-1])
                assert events_before_the_last < MERGED_EVENTS or len(found) <= PAGE_WINDOWS
        self.look_at_head()

    def batch(self, parts: list[tuple[Any, list[Any]]]) -> dict[str, Any]:
        events = [event for _, events in parts for event in events]
        names = [event["event"]["type"] for event in events]
        counts = {"wal_count": names.count("Wal"), "raft_count": names.count("Raft")}
        data = {
            "window_start": parts[0][0].start_ms,
            "window_end": parts[-1][0].end_ms,
            "events": events,
            "summary": {f"{name}_count": 0 for name in COUNTS} | counts,
        }
        return {"type": "batch", "data": data}

    def check_past(self, message: dict[str, Any] | None) -> None:
        past = self.past
        if message is None:
            return
        assert past is not None
        left = [seq for seq in past.wanted if seq not in past.gone]
        if message["type"] == "gap":
            assert message == self.past_gaps.popleft()
        elif "snapshot" in message:
            self.check_state(message, in_history=True)
        elif message["type"] == "history_end":
            assert not left
            assert not self.past_gaps
            assert not self.past_state
            assert message == self.history_end(cancelled=False)
            self.past = None
        else:
            assert not self.past_gaps
            assert not self.past_state
            [(window, events)] = self.matching(left[0] - 1, left[0], past.limits)
            assert message == self.batch([(window, events)]) | {"history": True}
            past.began = past.began or (window.start_ms, self.now_ms)
            if past.speed is not None:
                assert self.now_ms >= past.began[1] + (window.start_ms - past.began[0]) / past.speed
            past.wanted.remove(window.seq)
            past.batches += 1
            past.events += len(events)

    @rule()
    def hear_everything(self) -> None:
        while True:
            while self.hear() or self.client.session.due(self.now_ms) == 0:
                pass
            if not self.feed():
                break
        assert self.held or self.cursor == len(self.windows)
        assert not self.state
        past = self.past
        if past is not None:
            is_paced = self.client.session.due(self.now_ms) is not None
            assert is_paced or self.slots.taken == ReadSlots.MAX, "what it does not get now waits for something"

    @rule()
    def feed_one(self) -> None:
        self.feed()

    def feed(self) -> bool:
        """One page. Where it is one of the history, it may begin with a gap."""
        left = self.cursor
        wanted = self.client.session.wants()
        assert self.slots.taken - self.others in (0, 1)
        if wanted is None:
            return False
        if not isinstance(wanted, Wanted):
            self.feed_state(wanted)
            return True
        page = self.client.read(wanted)
        if page.gap and self.past and wanted.limits is history_module.PAGE:
            gone = range(wanted.position.seq + 1, wanted.position.seq + (page.gap.windows or 0) + 1)
            self.past.gone |= set(gone)
            said = self.gap(gone[0] - 1, gone[-1], "trimmed") | {"history": True}
            del said["position"]
            if gone[-1] == wanted.stop.seq and self.log.oldest.seq > wanted.stop.seq:
                said["to_ms"] = wanted.stop.end_ms
            self.past_gaps.append(said)
        self.client.session.feed(wanted, page)
        self.check_silence(left)
        return True

    def feed_state(self, wanted: WantedView | Look) -> None:
        """What a snapshot needs. Where the state can't be had any more the client goes on at the head."""
        left, head = self.cursor, len(self.windows)
        if isinstance(wanted, Look) or not self.forgets_states:
            view = None if isinstance(wanted, Look) else self.folded(wanted.position.seq).view()
            self.client.session.feed(wanted, view)
            return
        self.client.session.feed(wanted, None)
        if self.cursor > left:
            assert self.cursor == head
            self.replies.append(self.gap(left, head, "trimmed"))
            self.expect_state(head)
        else:
            assert self.past is not None
            self.past_state = None


class LawTests(SynchronousTestCase):
    """The law, whatever a client does."""

    def test_delivered_windows_and_declared_gaps_are_the_whole_log(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.patch(snapshot_module, "BATCH_EVENTS", BATCH_EVENTS)
        self.patch(walk_module, "LOOKED_AT_PER_TURN", 4)
        self.patch(near_module, "MAX_EVENTS", MERGED_EVENTS)
        self.patch(live_module, "CATCH_UP_WINDOWS", PAGE_WINDOWS)
        self.patch(near_module, "NEAR_WINDOWS", 2)
        self.patch(history_module, "PAGE", PageLimits(windows=PAGE_WINDOWS, scanned=9))
        run_state_machine_as_test(AnyClient, settings=settings(deadline=None, max_examples=150, stateful_step_count=40))
