"""Tests of ``vizd.web.state``, over a transport that is a string."""

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.state.model import Model
from tests.state.streams import VALUES, Chronicle, Step, all_of
from tests.state.windows import mark
from tests.stream.conversation import Conversation
from tests.stream.made import fsyncs, made
from tests.stream.reference import passes
from tests.web.test_instants import HOUR_MS, Recorded, busy
from tests.web.wire import Answer, Browser, step
from vizd.events.catalogue import KINDS
from vizd.log.segment import Segment
from vizd.log.window import Draft, Mark
from vizd.state.projection import Projection
from vizd.stream.position import position_from_text, position_to_text
from vizd.web.admission import Admission
from vizd.web.instants import Instants
from vizd.web.site import Root, gzipped
from vizd.web.state import MAX_WAITING, StateEndpoint
from vizd.web.turns import Turns

YEAR_MS = 365 * 24 * HOUR_MS
NOW_MS = 1_765_000_000_000


class Case(SynchronousTestCase):
    """A log with short segments, whose windows follow each other up to now."""

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.clock = Clock()
        self.now_ms: int | None = None
        self.serve(Recorded())

    def serve(self, log: Recorded, empty: Callable[[], Projection] | None = None) -> None:
        self.log = log
        turns = Turns(self.clock)
        self.instants = Instants(log, log.folds.projection, empty or log.folds.empty_projection, turns)
        admission = Admission()
        self.root = Root(admission)
        endpoint = StateEndpoint(admission, log, self.instants, turns, lambda: self.now_ms or log.head.end_ms or NOW_MS)
        self.root.add("/api/state", gzipped(endpoint))

    def fill(self, windows: int = 60) -> None:
        for number in range(windows):
            self.log.add(busy(number))

    def ask(self, query: str = "", method: str = "GET", **headers: str) -> Browser:
        browser = Browser(self.root, self.clock)
        browser.ask(f"/api/state?{query}", method, **headers)
        return browser

    def get(self, query: str = "", **headers: str) -> Answer:
        browser = self.ask(query, **headers)
        self.clock.advance(0)
        return browser.heard()

    def state(self, query: str = "") -> Any:
        answer = self.get(query)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def seq_of(self, said: Any) -> int:
        return position_from_text(self.log.epoch, said["position"]).seq

    def replayed(self, seq: int, max_age_ms: int = HOUR_MS) -> Model:
        """The state behind a window, by the model."""
        model = Model(max_age_ms)
        for window in self.log.windows[:seq]:
            model.fold(window)
        return model

    def assert_is(self, said: Any, seq: int) -> None:
        """``said`` is the state behind that window."""
        self.assertEqual(self.seq_of(said), seq)
        self.assertEqual(said["events"], list(map(json.loads, self.replayed(seq).fragments())))


class NowTests(Case):
    def test_it_is_one_json_value(self) -> None:
        self.log.add([made("Swim.Alive", node=3), made("Cache", name='sü"ß', hit_ratio=0.5)])
        answer = self.get()
        position = position_to_text(b"an epoch", self.log.head)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"))
        self.assertEqual(
            answer.body.decode(),
            f'{{"at":1050,"position":"{position}","events":['
            '{"ts":1,"node":1,"event":{"type":"Swim","data":{"node":3,"kind":"Alive"}}},'
            '{"ts":1,"node":1,"event":{"type":"Cache","data":{"name":"sü\\"ß","hit_ratio":0.5}}}'
            '],"unknown":[],"truncated":false}',
        )

    def test_without_an_instant_it_is_now(self) -> None:
        self.fill()
        self.assert_is(self.state(), 60)

    def test_now_is_the_head_even_if_its_clock_is_ahead(self) -> None:
        self.fill()
        self.now_ms = self.log.windows[40].end_ms
        self.assert_is(self.state(), 60)

    def test_a_future_instant_is_now(self) -> None:
        self.fill()
        now_ms = self.log.head.end_ms
        for at_ms in (now_ms, now_ms + 24 * HOUR_MS, 2**64 - 1):
            said = self.state(f"at={at_ms}")
            self.assertEqual(said["at"], now_ms)
            self.assert_is(said, 60)

    def test_of_an_empty_daemon_there_is_nothing_at_any_time(self) -> None:
        for query in ("", "at=0", f"at={NOW_MS - YEAR_MS}", f"at={NOW_MS + 1}", "types=raft"):
            said = self.state(query)
            self.assertEqual(
                (self.seq_of(said), said["events"], said["unknown"], said["truncated"]), (0, [], [], False)
            )

    def test_it_does_not_wait_for_instants_of_the_past(self) -> None:
        self.fill()
        self.log.wait = Deferred()
        past = [self.ask(f"at={self.log.windows[at].end_ms}") for at in range(MAX_WAITING)]
        self.clock.advance(0)
        self.assert_is(self.state(), 60)
        self.log.wait.callback(None)
        self.log.wait = None
        self.clock.advance(0)
        self.assertEqual([self.seq_of(each.heard().json) for each in past], list(range(1, MAX_WAITING + 1)))


class InstantTests(Case):
    def test_at_the_end_of_a_window_it_counts_and_a_millisecond_before_it_does_not(self) -> None:
        self.fill()
        for window in self.log.windows[::7]:
            for more_ms, seq in ((-1, window.seq - 1), (0, window.seq), (1, window.seq)):
                at_ms = window.end_ms + more_ms
                said = self.state(f"at={at_ms}")
                self.assertEqual(said["at"], at_ms)
                self.assert_is(said, seq)

    def test_around_the_borders_of_segments(self) -> None:
        self.fill()
        borders = self.log.borders()[1:]
        self.assertGreater(len(borders), 5)
        for border in borders:
            for more_ms, seq in ((-1, border.seq - 1), (0, border.seq), (1, border.seq)):
                self.assert_is(self.state(f"at={border.end_ms + more_ms}"), seq)

    def test_in_a_window_that_takes_long_it_is_the_one_before(self) -> None:
        self.fill(10)
        before_ms = self.log.head.end_ms
        self.log.add(busy(10), length_ms=5_000)
        self.assert_is(self.state(f"at={before_ms + 4_999}"), 10)
        self.assert_is(self.state(f"at={before_ms + 5_000}"), 11)

    def test_in_the_first_window_it_is_nothing_and_before_it_is_gone(self) -> None:
        self.fill()
        self.assert_is(self.state("at=1000"), 0)
        self.assert_is(self.state("at=1049"), 0)
        self.assert_gone("at=999", 1_000)

    def test_before_the_buffer_it_is_410_and_names_the_oldest(self) -> None:
        self.serve(Recorded(1_500))
        self.fill(150)
        oldest_ms = self.log.oldest_start_ms
        self.assertGreater(oldest_ms, 2_000)
        for at_ms in (0, 1_000, oldest_ms - 1):
            self.assert_gone(f"at={at_ms}", oldest_ms)
        self.assertEqual(self.seq_of(self.state(f"at={oldest_ms}")), self.log.oldest.seq)

    def test_last_year_is_gone(self) -> None:
        self.log.append(Draft(NOW_MS, 50, [], [], ()))
        self.assert_gone(f"at={NOW_MS - YEAR_MS}", NOW_MS)

    def test_the_oldest_that_a_410_names_can_be_had_even_if_windows_overlap(self) -> None:
        self.serve(Recorded(1_500))
        for number in range(150):
            self.log.append(Draft(1_000 + 50 * number, 53, [], [], ()))
        self.assertGreater(self.log.oldest.seq, 30)
        said = self.get("at=1000").json["error"]["message"]
        oldest_ms = int(said.rpartition(" ")[2])
        self.assert_gone(f"at={oldest_ms - 1}", oldest_ms)
        self.assertEqual(self.seq_of(self.state(f"at={oldest_ms}")), self.log.oldest.seq)

    def assert_gone(self, query: str, oldest_ms: int, **headers: str) -> None:
        answer = self.get(query, **headers)
        self.assertEqual((answer.status, answer.json["error"]["code"]), (410, "gone"))
        self.assertIn(f"the oldest that it has is {oldest_ms}", answer.json["error"]["message"])

    def test_one_that_is_trimmed_while_it_waits_is_410_too(self) -> None:
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            self.serve(Recorded(1_500))
            self.fill(150)
            browser = self.ask(f"at={self.log.oldest_start_ms + 200}", **headers)
            while self.log.oldest.seq < 150:
                self.log.add(length_ms=1_000)
            self.clock.advance(0)
            answer = browser.heard()
            body = gzip.decompress(answer.body) if headers else answer.body
            self.assertEqual((answer.status, json.loads(body)["error"]["code"]), (410, "gone"))
            self.assertIn(str(self.log.oldest_start_ms), json.loads(body)["error"]["message"])

    def test_the_state_and_the_windows_behind_it_are_the_state_now(self) -> None:
        self.fill(55)
        self.log.add([made("Swim.Leave", node=3)])
        for window in self.log.windows[5::9]:
            said = self.state(f"at={window.end_ms}")
            client = Conversation(self.log, position=said["position"])
            model = Model(HOUR_MS)
            for event in said["events"]:
                model.fold_event(json.dumps(event).encode())
            for message in client.hear_all():
                for event in message["data"]["events"]:
                    model.fold_event(json.dumps(event).encode())
            self.assertEqual(client.connected["position"], said["position"])
            ours = sorted(map(json.loads, model.fragments()), key=str)
            self.assertEqual(ours, sorted(self.state()["events"], key=str))


class WhatIsSaidTests(Case):
    def test_the_newest_of_each_key_is_taken_first_then_the_filter(self) -> None:
        self.log.add([made("Raft.LeaderElected", shard=1, term=1, node=1), made("Swim.Alive", node=1)])
        self.log.add([made("Raft.LeaderElected", publisher=2, shard=1, term=2, node=2), *fsyncs(1, node=2)])
        self.log.add()
        for at in ("", f"&at={self.log.windows[1].end_ms}"):
            self.assertEqual([each["event"]["type"] for each in self.state(f"nodes=1{at}")["events"]], ["Swim"])
            self.assertEqual([each["event"]["type"] for each in self.state(f"nodes=2{at}")["events"]], ["Raft", "Wal"])

    def test_filters_are_those_of_the_stream(self) -> None:
        self.fill()
        everything = self.state()["events"]
        everyone: dict[str, Any] = {"types": [], "nodes": [], "shards": []}
        for query, asked in (
            ("types=raft,HEAT", {"types": ["Raft", "SlotHeat"]}),
            ("nodes=1,4", {"nodes": [1, 4]}),
            ("shards=0,2", {"shards": [0, 2]}),
            ("types=raft&nodes=1&shards=1", {"types": ["Raft"], "nodes": [1], "shards": [1]}),
            ("nodes=77&types=swim", {"nodes": [77], "types": ["Swim"]}),
        ):
            expected = [event for event in everything if passes(event, **everyone | asked)]
            self.assertEqual(self.state(query)["events"], expected, query)

    def test_nodes_whose_stream_is_not_open_as_of_then_are_unknown(self) -> None:
        for marks in (
            [mark(3, connected=True), mark(7, connected=True), mark(2, connected=True)],
            [mark(7, connected=False)],
            [mark(2, connected=False), mark(3, connected=False)],
            [mark(7, 2, connected=True), mark(3, connected=True)],
            [],
        ):
            self.add_marks(*marks)
        ends_ms = [window.end_ms for window in self.log.windows]
        self.assertEqual([self.state(f"at={at_ms}")["unknown"] for at_ms in ends_ms], [[], [7], [2, 3, 7], [2], [2]])
        self.assertEqual(self.state(f"nodes=3&at={ends_ms[2]}")["unknown"], [2, 3, 7])

    def add_marks(self, *marks: Mark) -> None:
        self.log.append(Draft(self.log.head.end_ms or 1_000, 50, [], [], marks))

    def test_what_the_bounds_have_driven_out_is_said(self) -> None:
        self.serve(self.log, lambda: Projection(HOUR_MS, max_keys=3))
        self.log.add(busy(0))
        self.log.add()
        self.assertFalse(self.state()["truncated"])
        said = self.state("at=1050")
        self.assertEqual((said["truncated"], len(said["events"])), (True, 3))
        self.assertTrue(self.state("at=1050&types=shard")["truncated"])

    def test_its_events_are_the_logs_own_text(self) -> None:
        events = [made("Cache", name='sü"ß\n', hit_ratio=0.1), made("Lsm.FlushComplete", bytes=2**64 - 1)]
        self.log.add(events)
        self.fill()
        for query in ("", "at=1050"):
            body = self.get(query).body
            for _, text in events:
                self.assertIn(text, body)


class AnswerTests(Case):
    def test_what_is_wrong_is_400_by_name(self) -> None:
        for query, name in (
            ("at=x", "at"), ("at=-1", "at"), ("at=1.5", "at"), ("at=", "at"), (f"at={2**64}", "at"),
            ("types=waal", "types"), ("nodes=1,x", "nodes"), ("shards=-1", "shards"),
        ):  # fmt: skip
            answer = self.get(query)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "parameter"), query)
            self.assertTrue(answer.json["error"]["message"].startswith(f"{name}: "), answer.json)

    def test_a_head_is_answered_without_a_body_and_makes_nothing(self) -> None:
        self.fill()
        for query, status in (("", 200), ("at=2000", 200), ("at=3", 410), ("at=x", 400)):
            browser = self.ask(query, "HEAD")
            self.clock.advance(0)
            head = browser.heard(to_head=True)
            self.assertEqual((head.status, head.headers["content-type"], head.rest), (status, "application/json", b""))
        self.assertEqual((self.log.reads, self.instants.waiting), (0, 0))

    def test_it_is_gzipped_for_whoever_asks(self) -> None:
        self.fill()
        for query in ("", f"at={self.log.windows[30].end_ms}"):
            plain, packed = self.get(query), self.get(query, **{"Accept-Encoding": "gzip"})
            self.assertEqual(packed.headers["content-encoding"], "gzip")
            self.assertIn("Accept-Encoding", plain.headers["vary"])
            self.assertEqual(gzip.decompress(packed.body), plain.body)

    def test_beyond_eight_instants_it_is_503_and_says_when_to_try_again(self) -> None:
        self.fill()
        self.log.wait = Deferred()
        eight = [self.ask(f"at={self.log.windows[10].end_ms}") for _ in range(8)]
        answer = self.get("at=2000")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (503, "busy"))
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.log.wait.callback(None)
        self.log.wait = None
        self.clock.advance(0)
        self.assertEqual({self.seq_of(each.heard().json) for each in eight}, {11})
        self.assertEqual(self.get("at=2000").status, 200)

    def test_one_that_has_its_instant_and_is_slow_to_take_it_keeps_nobody_out(self) -> None:
        self.fill()
        for at in range(20):
            browser = self.ask(f"at={self.log.windows[at].end_ms}")
            while not browser.transport.producer:
                step(self.clock)
            browser.transport.producer.pauseProducing()
            self.clock.advance(0)
        self.assertEqual((self.instants.waiting, self.get("at=2000").status), (0, 200))

    def test_a_large_one_is_made_in_turns_at_the_pace_of_the_socket(self) -> None:
        self.log.add([made("SlotHeat", node=1, slot=slot) for slot in range(20_000)])
        self.log.add()
        for query in ("", "at=1050"):
            browser, turns, most = self.ask(query), 0, 0
            while not browser.transport.value().endswith(b"0\r\n\r\n"):
                size_bytes = len(browser.transport.value())
                step(self.clock)
                most = max(most, len(browser.transport.value()) - size_bytes)
                turns += 1
                if turns % 3 == 0:
                    browser.transport.producer.pauseProducing()
                    step(self.clock)
                    size_bytes = len(browser.transport.value())
                    self.clock.advance(10)
                    self.assertEqual(len(browser.transport.value()), size_bytes)
                    browser.transport.producer.resumeProducing()
            self.assertEqual(len(browser.heard().json["events"]), 20_000)
            self.assertLess(most, 20_000 * 100 / 3)

    def test_what_is_appended_while_it_is_sent_is_not_in_it(self) -> None:
        self.log.add([made("SlotHeat", node=1, slot=slot, heat=1.0) for slot in range(10_000)])
        browser = self.ask()
        step(self.clock)
        self.log.add([made("SlotHeat", node=1, slot=slot, heat=2.0) for slot in range(10_001)])
        self.clock.advance(0)
        said = browser.heard().json
        heats = [event["event"]["data"]["heat"] for event in said["events"]]
        self.assertEqual((heats, self.seq_of(said)), ([1.0] * 10_000, 1))

    def test_a_client_that_goes_leaves_nothing_behind_wherever_its_answer_is(self) -> None:
        self.log.add([made("SlotHeat", node=1, slot=slot) for slot in range(10_000)])
        self.fill()
        for query in ("", "at=1500"):
            for turns in range(12):
                self.serve(self.log)  # With nothing kept.
                browser, other = self.ask(query), self.ask("at=1600")
                for _ in range(turns):
                    step(self.clock)
                browser.transport.gone()
                self.clock.advance(0)
                self.assertEqual(self.seq_of(other.heard().json), 12)
                other.transport.gone()
                self.assertEqual((self.instants.waiting, self.clock.getDelayedCalls()), (0, []))

    def test_a_failure_after_the_200_breaks_off_and_is_logged(self) -> None:
        self.fill()
        self.log.wait = Deferred()
        browser = self.ask("at=1500")
        self.clock.advance(0)
        self.log.wait.errback(OSError("the disk is gone"))
        self.clock.advance(0)
        self.assertTrue(browser.transport.is_gone)
        self.assertEqual((len(self.flushLoggedErrors(OSError)), self.instants.waiting), (1, 0))


class AgainstTheModel(Case):
    """The state at any instant is the replay up to it, whatever has happened."""

    MAX_AGE_MS = 6_000

    def chronicle(self, chance: random.Random, windows: int) -> list[Step]:
        """Such as ``tests.state.streams.steps``, but long."""
        events = [event for kind in KINDS for event in all_of(kind)]
        steps: list[Step] = []
        for _ in range(windows):
            happenings = [
                (
                    chance.choice(VALUES["node"]),
                    chance.choice(["message"] * 6 + ["late", "connect", "restart", "disconnect"]),
                    chance.choices(events, k=chance.randrange(8)),
                )
                for _ in range(chance.randrange(3))
            ]
            steps.append((chance.choice([0, 1, 50, 50, 50, 200, -100]), chance.choice([1, 50, 50, 200]), happenings))
        return steps

    def test_at_random_instants_of_random_logs(self) -> None:
        answered = gone = 0
        for seed in range(12):
            chance = random.Random(seed)
            self.serve(Recorded(self.MAX_AGE_MS))
            self.log.add_windows(list(Chronicle().windows(self.chronicle(chance, 250))))
            self.now_ms = max(window.end_ms for window in self.log.windows) + 100
            first_ms, trimmed = self.log.windows[0].start_ms, self.log.windows[: self.log.oldest.seq]
            for _ in range(20):
                at_ms = chance.randrange(first_ms - 100, self.now_ms)
                answer = self.get(f"at={at_ms}")
                if at_ms < max([first_ms, *(window.end_ms for window in trimmed)]):
                    self.assertEqual(answer.status, 410)
                    gone += 1
                    continue
                behind = next((each.seq - 1 for each in self.log.windows if each.end_ms > at_ms), self.log.head.seq)
                model = self.replayed(behind, self.MAX_AGE_MS)
                said = answer.json
                self.assertEqual((said["at"], self.seq_of(said)), (at_ms, behind))
                self.assertEqual(said["events"], list(map(json.loads, model.fragments())), (seed, at_ms))
                unknown = sorted(node for node, (_, _, is_open) in model.nodes.items() if not is_open)
                self.assertEqual(said["unknown"], unknown)
                answered += 1
        self.assertGreater(min(answered, gone), 20)
