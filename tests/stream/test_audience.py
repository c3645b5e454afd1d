"""Tests of ``vizd.stream.audience``, ``near`` and ``following``: equal clients are sent what comes as one."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.conversation import Conversation
from tests.stream.made import draft, followed, made, memory_log
from vizd.stream import audience as audience_module
from vizd.stream.audience import Audiences
from vizd.stream.encoding import MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames
from vizd.stream.near import SAY_POSITION_AFTER_MS
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams


class Listener(Conversation):
    """A client that joins the audience whenever it may."""

    def __init__(self, audiences: Audiences, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.audiences = audiences
        self.given: list[Frame] = []
        self.errors: list[Exception] = []
        self.dismissals = 0
        self.fails = False

    def sit_down(self) -> bool:
        self.alone = self.hear_all()
        return self.session.join(self.audiences, self.take, self)

    def take(self, frame: Frame) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.given.append(frame)

    def failed(self, error: Exception) -> None:
        self.errors.append(error)
        self.session.leave()

    def dismissed(self) -> None:
        self.dismissals += 1
        self.session.leave()

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(frame.payload) for frame in self.given]


class AudienceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.log = memory_log()
        self.frames = Frames(self.log.epoch)
        self.audiences = Audiences()
        self.made = 0
        self.now_ms = 0.0

    def listener(self, **named: Any) -> Listener:
        return Listener(self.audiences, self.log, frames=self.frames, **named)

    def append(self, name: str = "Wal.Fsync", count: int = 1) -> None:
        first, self.made = self.made, self.made + count
        self.log.append(draft(1_000 + 50 * self.log.head.seq, [made(name, ts=1 + first + at) for at in range(count)]))

    def tell(self, ms: float = 50) -> None:
        self.now_ms += ms
        self.audiences.tell(self.now_ms)

    def test_equal_clients_are_given_one_frame(self) -> None:
        two = [self.listener(), self.listener()]
        self.assertTrue(all(each.sit_down() for each in two))
        self.append()
        self.tell()
        self.assertEqual(len({id(frame) for each in two for frame in each.given}), 1)

    def test_others_are_given_their_own(self) -> None:
        ours, theirs = self.listener(), self.listener(encoder=MESSAGEPACK)
        raft = self.listener(by=Filter.of(["raft"]))
        for each in (ours, theirs, raft):
            self.assertTrue(each.sit_down())
        self.append()
        self.tell()
        self.assertEqual([len(each.given) for each in (ours, theirs, raft)], [1, 1, 0])
        self.assertNotEqual(ours.given[0].is_binary, theirs.given[0].is_binary)

    def test_it_is_what_each_would_have_pulled(self) -> None:
        seated, alone = self.listener(), self.listener()
        seated.sit_down()
        pulled = []
        for _ in range(5):
            self.append()
            self.tell()
            pulled += alone.hear_all()
        self.assertEqual(seated.heard, pulled)

    def test_who_leaves_goes_on_where_the_audience_stood(self) -> None:
        one = self.listener()
        one.sit_down()
        for _ in range(3):
            self.append()
            self.tell()
        one.session.leave()
        self.assertEqual((one.hear_all(), one.session.described()["lag_windows"]), ([], 0))
        self.append()
        [batch] = one.hear_all()
        self.assertEqual([event["ts"] for event in batch["data"]["events"]], [4])

    def test_what_it_was_sent_is_counted_from_when_it_came(self) -> None:
        first = self.listener()
        first.sit_down()
        self.append(count=2)
        self.tell()
        second = self.listener()
        second.sit_down()
        self.append(count=5)
        self.tell()
        self.assertEqual((first.session.sent.batches, first.session.sent.events), (2, 7))
        second.session.leave()
        self.append()
        self.tell()
        self.assertEqual((second.session.sent.batches, second.session.sent.events), (1, 5))
        self.assertEqual(first.session.described()["bytes_sent"], first.session.sent.size_bytes)

    def test_nobody_joins_with_something_of_its_own_to_come(self) -> None:
        self.append()
        busy = self.listener()
        busy.session.say({"type": "pong"})
        self.assertFalse(busy.session.join(self.audiences, busy.take, busy), "an answer")
        paused = self.listener()
        paused.tell(type="pause")
        self.assertFalse(paused.sit_down(), "it is held")
        behind = self.listener()
        self.append()
        self.assertFalse(behind.session.join(self.audiences, behind.take, behind), "it is behind the head")
        reading = self.listener()
        reading.tell(type="history", from_ms=0, to_ms=10**9)
        self.assertFalse(reading.session.join(self.audiences, reading.take, reading), "a history")

    def test_nobody_joins_an_audience_that_is_about_to_go_on(self) -> None:
        self.listener().sit_down()
        self.append()
        late = self.listener()
        self.assertFalse(late.sit_down())
        self.tell()
        self.assertTrue(late.sit_down())
        self.append()
        self.tell()
        self.assertEqual([event["ts"] for event in late.heard[0]["data"]["events"]], [2])

    def test_one_that_fails_is_told_and_the_others_have_theirs(self) -> None:
        one, faulty, other = self.listener(), self.listener(), self.listener()
        for each in (one, faulty, other):
            each.sit_down()
        faulty.fails = True
        self.append()
        self.tell()
        self.assertEqual([len(each.given) for each in (one, other)], [1, 1])
        self.assertEqual([type(error) for error in faulty.errors], [ZeroDivisionError])

    def test_an_audience_that_has_fallen_behind_is_dismissed_and_each_goes_its_own_way(self) -> None:
        one = self.listener()
        one.sit_down()
        for _ in range(100):  # Far more than "near".
            self.append()
        self.tell()
        self.assertEqual((one.given, one.dismissals), ([], 1))
        self.assertEqual([event["ts"] for said in one.hear_all() for event in said["data"]["events"]], [*range(1, 101)])

    def test_more_than_fits_a_turn_is_left_for_each_to_pull(self) -> None:
        self.patch(audience_module, "MAX_BYTES_PER_TURN", 10)
        one = self.listener()
        one.sit_down()
        self.append()
        self.tell()
        self.assertEqual((len(one.given), one.dismissals), (1, 1))
        self.assertTrue(one.sit_down())

    def test_where_nothing_matches_for_five_seconds_a_position_is_said(self) -> None:
        one = self.listener(by=Filter.of(["raft"]))
        one.sit_down()
        self.append()
        self.tell(SAY_POSITION_AFTER_MS - 1)
        self.assertEqual(one.heard, [])
        self.tell(1)
        [position] = one.heard
        self.assertEqual(position, {"type": "position", "position": self.frames.position_text(self.log.head)})

    def test_one_that_joins_behind_what_was_not_for_it_is_told_where_it_stands_even_if_nothing_more_comes(self) -> None:
        one = self.listener(by=Filter.of(["raft"]))
        self.append()
        self.assertTrue(one.sit_down())
        self.assertEqual(one.alone, [])
        self.tell(SAY_POSITION_AFTER_MS)
        self.assertEqual([each["type"] for each in one.heard], ["position"])

    def test_one_that_comes_late_has_the_position_no_later_than_alone(self) -> None:
        one = self.listener(by=Filter.of(["raft"]))
        one.sit_down()
        self.now_ms = 3_000.0
        self.append()
        two = self.listener(by=Filter.of(["raft"]))
        self.tell(0)
        two.sit_down()
        self.tell(SAY_POSITION_AFTER_MS)
        self.assertEqual([each["type"] for each in two.heard], ["position"])


class ThinAudienceTests(SynchronousTestCase):
    """Those who share a conflated stream."""

    def test_they_are_given_its_batches(self) -> None:
        log = memory_log()
        projection = followed(log)
        frames = Frames(log.epoch)
        streams = ConflatedStreams(Source(log, frames, projection.view, projection.is_newest))
        audiences = Audiences()
        two = [
            Listener(audiences, log, frames=frames, projection=projection, streams=streams, max_kbps=100)
            for _ in range(2)
        ]
        now_ms = 0.0
        seated = [False, False]
        while not all(seated):  # Each first has its share of the state, and a batch of its own.
            now_ms += 1_000
            self.assertLess(now_ms, 60_000)
            log.append(draft(int(now_ms), [made("Raft.StepDown", shard=1, term=1, ts=int(now_ms))]))
            for at, each in enumerate(two):
                each.now_ms = now_ms
                seated[at] = seated[at] or each.sit_down()
            audiences.tell(now_ms)
        before = [len(each.given) for each in two]
        log.append(draft(90_000, [made("Raft.StepDown", shard=2, term=2, ts=90_000)]))
        audiences.tell(90_000)
        self.assertEqual([len(each.given) - was for each, was in zip(two, before, strict=True)], [1, 1])
        self.assertIs(two[0].given[-1], two[1].given[-1])
        self.assertEqual(two[0].heard[-1]["of"], 1)
        self.assertEqual(two[0].session.described()["lag_windows"], 0)
