"""Tests of ``vizd.stream.beside``."""

import json
from typing import Any

from tests.stream.made import Made, made
from tests.stream.thin_line import StreamCase, heats, swims
from vizd.stream.allowance import Allowance
from vizd.stream.beside import First, Rest
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame
from vizd.stream.position import position_to_text

ALL = 2**63


def suspects(count: int) -> list[Made]:
    """Transitions of so many nodes."""
    return [made("Swim.Suspect", node=number) for number in range(count)]


def message(frame: Frame | None) -> dict[str, Any]:
    assert frame is not None
    parsed: dict[str, Any] = json.loads(frame.payload)
    return parsed


def types_of(batch: dict[str, Any]) -> list[str]:
    return [each["event"]["type"] for each in batch["data"]["events"]]


class FirstTests(StreamCase):
    """What comes before the stream."""

    def first(self, kbps: int = 20, most: int = ALL, encoder: Any = JSON, **limits: list[int]) -> First:
        self.line = Allowance(kbps, 0)
        view = self.projection.view()
        return First(view, Filter.of(**limits), most, encoder, self.source.frames, self.line)

    def all_of(self, first: First) -> list[dict[str, Any]]:
        heard = []
        while not first.ended:
            if first.is_due():
                self.assertIsNone(first.wants())
                heard.append(message(first.pull(0)))
            else:
                self.assertIsNone(first.pull(0))
                self.assertIsNotNone(first.wants())
                first.look()
        self.assertEqual((first.wants(), first.is_due(), first.pull(0)), (None, False, None))
        return heard

    @property
    def head(self) -> str:
        return position_to_text(self.log.epoch, self.log.head)

    def test_a_state_that_has_room_is_one_batch_with_a_position(self) -> None:
        self.window(*heats(range(3)), *suspects(2), made("Lsm.L0Stall"))
        [batch] = self.all_of(self.first())
        self.assertEqual(types_of(batch), ["Swim", "Swim", "Lsm", "SlotHeat", "SlotHeat", "SlotHeat"])
        self.assertEqual((batch["snapshot"], batch["position"], "truncated" in batch), (True, self.head, False))
        self.assertEqual((batch["data"]["window_start"], batch["data"]["window_end"]), (1_000_050, 1_000_050))
        self.assertEqual(batch["data"]["summary"]["heat_count"], 3)

    def test_transitions_come_whether_they_have_room_or_not_and_are_a_debt(self) -> None:
        self.window(*suspects(2_500), *heats(range(50)))
        first = self.first()
        heard = self.all_of(first)
        self.assertEqual([len(each["data"]["events"]) for each in heard], [1_000, 1_000, 500])
        self.assertEqual(["position" in each for each in heard], [False, False, True])
        self.assertEqual((heard[-1]["truncated"], first.is_partial, first.sent), (True, True, frozenset()))
        self.assertLess(self.line.room(0), -100_000)

    def test_of_the_rest_comes_what_has_room(self) -> None:
        self.window(*suspects(1), *heats(range(500)))
        first = self.first()
        [batch] = self.all_of(first)
        self.assertGreater(len(first.sent), 5)
        self.assertEqual(len(first.sent), len(batch["data"]["events"]) - 1)
        self.assertTrue(first.is_partial and batch["truncated"])
        self.assertGreaterEqual(self.line.room(0), -len(swims(1)[0][1]), "only the transition is a debt")

    def test_an_empty_state_is_a_position(self) -> None:
        for limits in ({}, {"nodes": [99]}):
            first = self.first(**limits)
            self.assertEqual(self.all_of(first), [{"type": "position", "position": self.head}])
            self.assertFalse(first.is_partial)
            self.window(*heats(range(3)))

    def test_a_state_of_which_nothing_has_room_is_a_position_and_the_rest_is_still_to_come(self) -> None:
        self.window(*heats(range(3)))
        first = self.first(kbps=1)
        self.assertEqual([each["type"] for each in self.all_of(first)], ["position"])
        self.assertTrue(first.is_partial)

    def test_no_more_comes_than_was_asked_for(self) -> None:
        self.window(*heats(range(10)))
        [batch] = self.all_of(self.first(10_000, most=4))
        self.assertEqual((len(batch["data"]["events"]), batch["truncated"]), (4, True))

    def test_room_is_measured_in_the_encoding(self) -> None:
        self.window(*heats(range(500)))
        sizes = []
        for encoder in (JSON, MESSAGEPACK):
            first = self.first(encoder=encoder)
            while not first.is_due():
                first.look()
            frame = first.pull(0)
            assert frame is not None
            sizes.append(frame.events)
            self.assertGreaterEqual(self.line.room(0), 0)
        self.assertGreater(sizes[1], sizes[0])


class RestTests(StreamCase):
    """What comes beside the stream."""

    def rest(self, kbps: int = 20, worth_bytes: int = 1_000, **more: Any) -> Rest:
        now_ms = self.now_ms
        self.line = Allowance(kbps, now_ms)
        self.stream = self.streams.of(Filter.of(), JSON, 20, now_ms)
        self.position = self.stream.join(now_ms).position
        return Rest(self.source, self.stream, Filter.of(), ALL, JSON, self.line, worth_bytes, **more)

    def pull(self, rest: Rest) -> dict[str, Any] | None:
        while rest.wants():
            rest.look()
        frame = rest.pull(self.position, self.now_ms)
        return message(frame) if frame else None

    def through(self, rest: Rest, most_s: int = 100) -> list[dict[str, Any]]:
        """All of it, as time passes."""
        heard = []
        for _ in range(most_s * 10):
            if batch := self.pull(rest):
                heard.append(batch)
            if rest.ended:
                return heard
            self.pass_time(100)
        raise AssertionError("it has no end")

    def slots(self, heard: list[dict[str, Any]]) -> list[int]:
        return [each["event"]["data"]["slot"] for batch in heard for each in batch["data"]["events"]]

    def test_all_but_transitions_come_the_newest_first_as_snapshots_without_a_position(self) -> None:
        self.window(*heats(range(60)))
        self.window(*suspects(3))
        heard = self.through(self.rest())
        self.assertEqual(self.slots(heard), list(range(59, -1, -1)))
        for batch in heard:
            self.assertEqual(list(batch), ["type", "data", "snapshot"])
            self.assertEqual(batch["data"]["window_end"], 1_000_100)

    def test_it_takes_as_long_as_the_line_does(self) -> None:
        self.window(*heats(range(300)))
        began_ms = self.now_ms
        heard = self.through(self.rest(20))
        took_bytes = sum(len(json.dumps(each, separators=(",", ":"))) for each in heard)
        self.assertGreater(self.now_ms - began_ms, (took_bytes - 2_500) / 2.5)

    def test_a_batch_waits_until_it_is_worth_what_surrounds_it(self) -> None:
        self.window(*heats(range(100)))
        heard = self.through(self.rest(20, worth_bytes=1_500))
        sizes = [len(json.dumps(each, separators=(",", ":"))) for each in heard]
        self.assertGreater(min(sizes[:-1]), 1_300)

    def test_what_was_sent_before_does_not_come_again(self) -> None:
        self.window(*heats(range(20)))
        sent = frozenset(text for _, text in heats(range(0, 20, 2)))
        self.assertEqual(self.slots(self.through(self.rest(sent=sent))), list(range(19, 0, -2)))

    def test_what_has_changed_meanwhile_is_left_to_the_stream(self) -> None:
        self.window(*heats(range(200)))
        rest = self.rest(20)
        first = self.pull(rest)
        assert first is not None
        self.window(*heats(range(100), ts=2))
        self.stream.follow(self.now_ms)
        heard = self.through(rest)
        self.assertEqual(sorted(self.slots([first, *heard])), list(range(100, 200)))

    def test_what_waits_in_the_stream_is_left_to_it_too(self) -> None:
        self.window(*suspects(1))
        self.rest()
        self.window(*heats(range(300)))
        self.stream.follow(self.now_ms)
        waiting = Rest(self.source, self.stream, Filter.of(), ALL, JSON, self.line, 100)
        sent = self.slots(self.through(waiting))
        said = self.stream.said(0)
        assert said is not None
        self.assertEqual(sorted(sent), sorted(self.slots([message(said.frame)])), "what waits no longer")
        self.assertTrue(0 < len(sent) < 100)

    def test_one_event_that_is_larger_than_all_room_comes_all_the_same(self) -> None:
        self.window(made("Cache", name="x" * 250))
        heard = self.through(self.rest(2, worth_bytes=100))
        self.assertEqual([len(each["data"]["events"]) for each in heard], [1])

    def test_since_a_place_it_is_part_of_the_stream_and_counts_nothing(self) -> None:
        self.window(*heats(range(10)))
        since = self.log.head
        self.window(*heats(range(3), ts=2), *swims(2))
        [batch] = self.through(self.rest(newer_than=since))
        self.assertEqual(self.slots([batch]), [2, 1, 0])
        self.assertEqual((batch["sent"], batch["of"], "snapshot" in batch), (3, 0, False))
        self.assertEqual(batch["position"], position_to_text(self.log.epoch, self.position))

    def test_where_nothing_is_left_it_ends_without_a_word(self) -> None:
        self.window(*suspects(5))
        self.assertEqual(self.through(self.rest()), [])
