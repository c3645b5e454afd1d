"""The law of a thin line: sent or counted, every transition sent, and within the budget.

A machine does whatever comes to its mind to a log and to clients of it that have a budget, and checks each message by
its position: what lies between the place where the client stood and the place where it stands now is what the message
counts, and all transitions in it are what it sends. What else it sends is of the log and was not sent before.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgpack
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation
from tests.stream.made import Made, draft, followed, made, memory_log
from tests.stream.reference import passes
from vizd.events.catalogue import TYPES, EventClass
from vizd.log.segment import Segment
from vizd.state.keys import Keys
from vizd.stream import beside as beside_module
from vizd.stream import conflated as conflated_module
from vizd.stream import walk as walk_module
from vizd.stream.audience import Audiences
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames
from vizd.stream.position import position_from_text
from vizd.stream.snapshot import StateWish
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams

NAMES = {
    "Raft.LeaderElected": ("shard", "node"),
    "Swim.Suspect": ("node",),
    "Compaction.Progress": ("node", "level"),
    "Lsm.FlushComplete": ("node",),
    "Wal.Fsync": ("node",),
    "SlotHeat": ("node", "slot"),
    "Raft.VoteReq": ("shard", "from"),
}
"""Of each class some, with the fields that make their keys."""
LIMITS = st.fixed_dictionaries({
    "nodes": st.lists(st.integers(1, 4), max_size=2),
    "types": st.lists(st.sampled_from(["wal", "Raft", "heat", "swim"]), max_size=2),
    "shards": st.lists(st.integers(0, 3), max_size=1),
})  # fmt: skip
EVENTS = st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.integers(1, 4), st.integers(0, 3)), max_size=30)
QUIET_MS = 1_000
QUIET = 60
"""Within so many seconds a line of 20 kbit/s is through with what was made here."""
_KEYS = Keys()


def class_of(event: Made) -> EventClass:
    return event[0].kind.event_class


def matches(event: Made, limits: dict[str, Any]) -> bool:
    return passes(json.loads(event[1]), **limits)


@dataclass
class Client:
    """One, as far as the machine knows it.

    :ivar place: how many windows of the log are accounted for. :ivar state: the newest that it got of each key.
    :ivar sent: texts of what came and was no snapshot. :ivar is_whole: nothing that it was not told of is missing.
    :ivar quiet_bytes: when how much came without a transition in it.
    """

    talk: Conversation
    limits: dict[str, Any]
    kbps: int
    wish: StateWish
    place: int
    loads: Any
    state: dict[bytes, str] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    is_whole: bool = True
    stalls: bool = False
    is_seated: bool = False
    quiet_bytes: list[tuple[float, int]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class ThinClients(RuleBasedStateMachine):
    """Some clients of one log that share what they can."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0.0
        self.made = 0
        self.log = memory_log(max_age_ms=6_000)
        self.windows: list[list[Made]] = []
        self.log.listen(lambda window: self.windows.append(list(zip(window.facets, window.fragments, strict=True))))
        self.projection = followed(self.log)
        frames = Frames(self.log.epoch)
        self.streams = ConflatedStreams(Source(self.log, frames, self.projection.view, self.projection.is_newest))
        self.audiences = Audiences()
        self.failed: list[Exception] = []
        self.clients: list[Client] = []
        self.by_text: dict[str, Made] = {}

    @initialize(events=EVENTS)
    def something_was_before(self, events: list[tuple[str, int, int]]) -> None:
        self.append(events)

    # The log.

    @rule(events=EVENTS)
    def append(self, events: list[tuple[str, int, int]]) -> None:
        """A window; each event can be told from all others by its ts."""
        self.put(events)
        self.hear_all()

    def put(self, events: list[tuple[str, int, int]]) -> None:
        window = []
        for name, one, other in events:
            self.made += 1
            values = dict(zip(NAMES[name], (one, other), strict=False))
            event = made(name, ts=self.made, **({"term": self.made} if name.startswith("Raft") else {}), **values)
            self.by_text[canonical(event[1])] = event
            window.append(event)
        self.log.append(draft(1_000_000 + int(self.now_ms), window))

    @rule(ms=st.sampled_from([10, 50, 300, 1_000, 2_500]))
    def time_passes(self, ms: int) -> None:
        self.move(ms)

    def move(self, ms: int) -> None:
        self.now_ms += ms
        for client in self.clients:
            client.talk.now_ms = self.now_ms
        self.put([])
        self.hear_all()

    # Clients.

    @rule(
        is_binary=st.booleans(),
        limits=LIMITS,
        kbps=st.sampled_from([8, 20, 50, 150, 10_000]),
        wish=st.sampled_from(StateWish),
        again=st.booleans(),
    )
    def connect(self, is_binary: bool, limits: dict[str, Any], kbps: int, wish: StateWish, again: bool) -> None:
        """A new client; half of them as one that is there is."""
        if len(self.clients) >= 4:
            return
        if again and self.clients:
            limits, kbps, wish = self.clients[0].limits, self.clients[0].kbps, self.clients[0].wish
        self.begin(is_binary, limits, kbps, wish, None)

    def begin(
        self, is_binary: bool, limits: dict[str, Any], kbps: int, wish: StateWish, position: str | None
    ) -> Client:
        talk = Conversation(
            self.log,
            MESSAGEPACK if is_binary else JSON,
            by=Filter.of(**limits),
            position=position,
            now_ms=self.now_ms,
            state=wish,
            projection=self.projection,
            max_kbps=kbps,
            streams=self.streams,
        )
        place = position_from_text(self.log.epoch, position).seq if position else self.log.head.seq
        client = Client(talk, limits, kbps, wish, place, msgpack.unpackb if is_binary else json.loads)
        client.is_whole = wish is not StateWish.NONE
        self.clients.append(client)
        self.hear(client)
        return client

    @rule(which=st.integers(0, 3))
    def stall(self, which: int) -> None:
        if which < len(self.clients):
            self.leave_audience(self.clients[which])
            self.clients[which].stalls = not self.clients[which].stalls
            self.hear_all()

    @rule(which=st.integers(0, 3), at=st.integers(0, 30))
    def reconnect(self, which: int, at: int) -> None:
        """With any position that it was told."""
        if which >= len(self.clients) or not self.clients[which].told:
            return
        old = self.clients.pop(which)
        self.leave_audience(old)
        old.talk.session.close()
        told = old.told[-1 - at % len(old.told)]
        new = self.begin(old.loads is msgpack.unpackb, old.limits, old.kbps, old.wish, told)
        if told == old.told[-1]:  # What it knows it knows still.
            new.state = old.state | new.state
            new.is_whole = old.is_whole

    @rule(which=st.integers(0, 3))
    def leave(self, which: int) -> None:
        if which < len(self.clients):
            self.leave_audience(self.clients[which])
            self.clients.pop(which).talk.session.close()

    @rule(which=st.integers(0, 3), limits=LIMITS, with_state=st.booleans())
    def filter(self, which: int, limits: dict[str, Any], with_state: bool) -> None:
        if which >= len(self.clients):
            return
        client = self.clients[which]
        if client.stalls:
            return
        self.leave_audience(client)
        client.talk.tell(type="filter", state=with_state, **limits)
        client.limits = limits
        client.is_whole = with_state and client.wish is not StateWish.NONE
        client.state = {}
        self.hear_all()

    @rule(which=st.integers(0, 3), catch_up=st.booleans(), away=st.lists(EVENTS, max_size=3))
    def pause_and_resume(self, which: int, catch_up: bool, away: list[list[tuple[str, int, int]]]) -> None:
        if which >= len(self.clients) or self.clients[which].stalls:
            return
        client = self.clients[which]
        self.leave_audience(client)
        client.talk.tell(type="pause")
        for events in away:
            self.put(events)
        client.talk.tell(type="resume", catch_up=catch_up)
        if client.wish is StateWish.NONE and not catch_up:
            client.is_whole = False
        self.hear_all()

    # What they hear.

    def hear_all(self) -> None:
        self.audiences.tell(self.now_ms)
        for client in self.clients:
            if not client.stalls and not client.is_seated:
                self.hear(client)

    def leave_audience(self, client: Client) -> None:
        client.talk.session.leave()
        client.is_seated = False

    def hear(self, client: Client) -> None:
        for _ in range(10_000):
            frame = client.talk.session.pull(self.now_ms)
            if frame is not None:
                self.check(client, client.loads(frame.payload), len(frame.payload))
            elif client.talk.session.due(self.now_ms) != 0 and not client.talk.feed():
                self.join_audience(client)
                return
        raise AssertionError("it has no end")

    def join_audience(self, client: Client) -> None:
        """So it is sent what its equals are, until it says something."""

        def send(frame: Frame) -> None:
            self.check(client, client.loads(frame.payload), len(frame.payload))

        class Guest:
            failed = staticmethod(self.failed.append)
            dismissed = staticmethod(lambda: self.leave_audience(client))

        client.is_seated = client.talk.session.join(self.audiences, send, Guest())

    @invariant()
    def nobody_has_failed(self) -> None:
        for error in self.failed:
            raise error

    def check(self, client: Client, message: dict[str, Any], size_bytes: int) -> None:
        if "position" in message and message["type"] != "connected":
            client.told.append(message["position"])
        match message["type"]:
            case "gap":
                self.check_gap(client, message)
            case "position":
                self.check_counts(client, message, [0] * len(TYPES), [])
            case "batch":
                events = [canonical(json.dumps(each).encode()) for each in message["data"]["events"]]
                if not any(class_of(self.by_text[each]) is EventClass.TRANSITION for each in events):
                    client.quiet_bytes.append((self.now_ms, size_bytes))
                if "snapshot" in message:
                    self.check_snapshot(client, message, events)
                else:
                    self.check_batch(client, message, events)

    def check_gap(self, client: Client, gap: dict[str, Any]) -> None:
        """Transitions are gone only where they were trimmed, or the client did not wish for them."""
        entered = position_from_text(self.log.epoch, gap["position"]).seq
        left = entered - gap["windows"]
        silent = [event for window in self.windows[client.place : left] for event in window]
        assert left >= client.place, gap
        assert not any(matches(event, client.limits) for event in silent), gap
        assert gap["reason"] in ("budget", "paused"), gap
        assert gap["reason"] == "paused" or entered == self.log.oldest.seq, gap
        assert gap["events"] == sum(map(len, self.windows[left:entered])), gap
        client.place = entered
        client.is_whole = client.wish is not StateWish.NONE

    def check_counts(self, client: Client, message: dict[str, Any], counts: list[int], events: list[str]) -> None:
        entered = position_from_text(self.log.epoch, message["position"]).seq
        assert entered >= client.place, message
        passed = [each for window in self.windows[client.place : entered] for each in window]
        passed = [each for each in passed if matches(each, client.limits)]
        right = Counter(each[0].kind.type.index for each in passed)
        assert counts == [right[index] for index in range(len(TYPES))], (message, right)
        transitions = [canonical(each[1]) for each in passed if class_of(each) is EventClass.TRANSITION]
        sent = [each for each in events if class_of(self.by_text[each]) is EventClass.TRANSITION]
        assert sent == transitions, (sent, transitions)
        client.place = entered

    def check_batch(self, client: Client, message: dict[str, Any], events: list[str]) -> None:
        summary = message["data"]["summary"]
        counts = [summary[f"{each.count}_count"] for each in TYPES]
        assert (message["sent"], message["of"]) == (len(events), sum(counts)), message
        if any(counts):
            data = message["data"]
            assert data["window_start"] < data["window_end"], message
        self.check_counts(client, message, counts, events)
        for text in events:
            event = self.by_text[text]
            assert matches(event, client.limits), text
            client.sent[text] += 1
            assert client.sent[text] == 1, f"twice: {text}"
            self.know(client, event, text)
        kept = [text for text in events if class_of(self.by_text[text]) is not EventClass.TRANSITION]
        assert kept == sorted(kept, key=number) or not message["of"], "in order of arrival"

    def check_snapshot(self, client: Client, message: dict[str, Any], events: list[str]) -> None:
        for text in events:
            event = self.by_text[text]
            assert matches(event, client.limits), text
            assert class_of(event) is not EventClass.LOG, text
            self.know(client, event, text)
        if "position" in message:
            self.check_counts(client, message, [0] * len(TYPES), [])

    def know(self, client: Client, event: Made, text: str) -> None:
        """Nothing older than what it knows of a key."""
        key = _KEYS[event[0]]
        if key is None:
            return
        whole = _KEYS.of(*event)
        if class_of(event) is not EventClass.TRANSITION and whole in client.state:
            assert number(client.state[whole]) <= number(text), (client.state[whole], text)
        client.state[whole] = text

    # What holds whenever.

    @invariant()
    def the_budget_is_kept(self) -> None:
        for client in self.clients:
            for at, (now_ms, _) in enumerate(client.quiet_bytes):
                span = [size for then_ms, size in client.quiet_bytes[: at + 1] if now_ms - then_ms <= 2_000]
                assert sum(span) <= client.kbps * 250, (client.kbps, client.quiet_bytes)

    def teardown(self) -> None:
        """Once nothing more happens, each has the newest of every key."""
        for client in self.clients:
            client.stalls = False
        self.hear_all()
        for _ in range(QUIET):
            self.move(QUIET_MS)
        for client in self.clients:
            if client.is_whole and client.kbps >= 20:
                right = {}
                for part in self.projection.view().slices():
                    for event in zip(part.facets, part.fragments, strict=True):
                        if matches(event, client.limits):
                            right[_KEYS.of(*event)] = canonical(event[1])
                wrong = {key: (client.state.get(key), text) for key, text in right.items()}
                wrong = {key: two for key, two in wrong.items() if two[0] != two[1]}
                assert not wrong, wrong
            self.leave_audience(client)
            client.talk.session.close()
        self.nobody_has_failed()
        assert not len(self.streams), "no stream is left without a reader"


def canonical(text: bytes) -> str:
    return json.dumps(json.loads(text))


def number(text: str) -> int:
    return int(json.loads(text)["ts"])


class ThinLawTests(SynchronousTestCase):
    """Whatever happens."""

    def test_sent_or_counted_and_every_transition_sent_within_the_budget(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.patch(walk_module, "LOOKED_AT_PER_TURN", 4)
        self.patch(beside_module, "ENOUGH", 5)
        self.patch(beside_module, "BATCH_EVENTS", 5)
        self.patch(conflated_module, "KEPT_FRAMES", 3)
        self.patch(conflated_module, "MAX_EVENTS", 12)
        run_state_machine_as_test(
            ThinClients, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
        )
