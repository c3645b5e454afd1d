"""Tests of ``vizd.web.dashboard``: a client's session, its socket and the time."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import draft, made, memory_log
from tests.web.sockets import WALL_MS, House, Person
from tests.web.test_history import SlowLog
from tests.web.wire import step
from vizd import __version__
from vizd.log.memory import MemoryLog
from vizd.stream import audience as audience_module
from vizd.stream import live as live_module
from vizd.stream import near as near_module
from vizd.stream.encoding import MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.position import position_to_text
from vizd.web import dashboard as dashboard_module


class BeginTests(SynchronousTestCase):
    """The first message."""

    def test_connected_says_what_there_is(self) -> None:
        house = House()
        house.append()
        house.append()
        [connected] = Person(house).heard()
        self.assertEqual(
            connected,
            {"type": "connected", "version": __version__, "oldest_timestamp_ms": 1_000, "newest_timestamp_ms": 1_100,
             "server_time_ms": WALL_MS, "coalesce_ms": 50,
             "position": position_to_text(house.log.epoch, house.log.head)},
        )  # fmt: skip
        self.assertEqual(next(iter(connected)), "type")

    def test_in_an_empty_log_times_are_null(self) -> None:
        [connected] = Person(House(), MESSAGEPACK).heard()
        self.assertEqual((connected["oldest_timestamp_ms"], connected["newest_timestamp_ms"]), (None, None))

    def test_then_it_is_live(self) -> None:
        house = House()
        house.append()
        one, two = Person(house), Person(house, MESSAGEPACK, Filter.of(["swim"]))
        house.append()
        self.assertEqual((one.numbers(), len(house.clients)), ([1], 2))
        self.assertEqual([each["type"] for each in two.heard()], ["connected"])

    def test_it_begins_in_front_of_the_first_batch_even_if_something_comes_at_once(self) -> None:
        house = House()
        person = Person(house)
        house.append()
        self.assertEqual([each["type"] for each in person.heard()], ["connected", "batch"])


class TickTests(SynchronousTestCase):
    """At the head."""

    def test_windows_that_one_tick_appends_are_one_batch(self) -> None:
        house = House()
        person, other = Person(house), Person(house, by=Filter.of(["wal"]))
        for _ in range(3):
            house.append(turn=False)
        house.clock.advance(0)
        for each in (person, other):
            [_, batch] = each.heard()
            self.assertEqual(len(batch["data"]["events"]), 3)
            self.assertEqual((batch["data"]["window_start"], batch["data"]["window_end"]), (1_000, 1_150))

    def test_clients_that_ask_for_the_same_share_a_frame(self) -> None:
        house = House()
        people = [Person(house, by=Filter.of(["wal"])) for _ in range(3)]
        house.append()
        self.assertEqual(len({id(person.socket.frames[-1]) for person in people}), 1)


class FullSocketTests(SynchronousTestCase):
    """A client that does not take what it is sent."""

    def test_nothing_is_sent_and_nothing_is_read_while_it_is_full(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        self.assertFalse(person.socket.reading)
        for _ in range(3):
            house.append()
        self.assertEqual(person.numbers(), [])
        person.take()
        self.assertEqual((person.numbers(), person.socket.reading), ([0, 1, 2], True))

    def test_it_gets_what_came_meanwhile_as_one_batch(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        for _ in range(100):
            house.append()
        person.take()
        house.clock.advance(0)
        self.assertEqual([each["type"] for each in person.heard()], ["connected", "batch"])

    def test_one_that_is_full_does_not_delay_another(self) -> None:
        house = House()
        slow, quick = Person(house), Person(house)
        slow.stall()
        house.append()
        self.assertEqual(quick.numbers(), [0])

    def test_it_stops_in_the_middle_of_what_there_is(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        for _ in range(4):
            house.append(10_000)
        person.take(2)
        self.assertEqual(len(person.heard()), 1 + 2)
        self.assertFalse(person.socket.reading)
        person.take()
        self.assertEqual(len(person.heard()), 2)

    def test_a_long_backlog_is_sent_in_turns(self) -> None:
        house = House()
        person = Person(house)
        person.tell(type="pause")
        for _ in range(40):
            house.append(250)
        self.patch(live_module, "CATCH_UP_BYTES", {(True, False): 300_000})
        person.tell(type="resume", catch_up=True)
        self.assertEqual(person.numbers(), [], "nothing is read in the turn of the request")
        numbers: list[int] = []
        turns = 0
        while len(numbers) < 10_000:
            step(house.clock)
            new = person.numbers()
            self.assertLess(len(new), 10_000)
            numbers += new
            turns += 1
        self.assertEqual(numbers, list(range(10_000)))
        self.assertGreater(turns, 1)

    def test_what_is_new_at_the_head_is_sent_up_to_a_bound_in_one_turn(self) -> None:
        self.patch(dashboard_module, "MAX_BYTES_PER_TURN", 70_000)
        self.patch(audience_module, "MAX_BYTES_PER_TURN", 70_000)
        self.patch(near_module, "MAX_EVENTS", 500)
        house = House()
        person = Person(house)
        person.heard()
        for _ in range(8):
            house.append(250, turn=False)
        turns = []
        for _ in range(3):
            step(house.clock)
            turns.append(len(person.heard()))
        self.assertEqual(turns, [2, 2, 0])

    def test_one_that_falls_behind_by_more_than_ten_seconds_goes_on_at_the_head_behind_a_gap(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        for _ in range(202):
            house.append()
        person.take()
        house.append()
        _, gap, batch = person.heard()
        self.assertEqual((gap["type"], gap["reason"], gap["windows"]), ("gap", "slow", 202))
        self.assertEqual(len(batch["data"]["events"]), 1)
        self.assertEqual((person.socket.did, person.socket.reading), ([], True))

    def test_one_that_takes_just_enough_misses_nothing(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        for _ in range(3):
            for _ in range(199):
                house.append()
            person.take()
            house.clock.advance(0)
            person.stall()
        self.assertEqual(person.numbers(), list(range(597)))

    def test_its_own_bound_is_asked_for_when_it_connects(self) -> None:
        house = House()
        patient, hasty = Person(house, max_lag_ms=0), Person(house, max_lag_ms=100)
        for person in (patient, hasty):
            person.stall()
        for _ in range(300):
            house.append()
        for person in (patient, hasty):
            person.take()
            house.clock.advance(0)
        self.assertEqual(patient.numbers(), list(range(300)))
        self.assertEqual([each.get("reason") for each in hasty.heard()], [None, "slow"])

    def test_one_that_comes_back_with_its_position_goes_on_behind_it(self) -> None:
        house = House()
        person = Person(house)
        house.append()
        position = person.heard()[-1]["position"]
        for _ in range(500):
            house.append()
        again = Person(house, position=position)
        house.clock.advance(0)
        self.assertEqual(again.numbers(), list(range(1, 501)))

    def test_those_who_catch_up_read_one_page_a_turn_together_and_delay_nobody(self) -> None:
        house = House()
        begins = Person(house).heard()[0]["position"]
        for _ in range(500):
            house.append(20)
        log = house.log
        reads: list[int] = []
        read = log.read
        self.patch(log, "read", lambda position, *rest: reads.append(position.seq) or read(position, *rest))
        # Each has a filter of its own, that lets all pass, so that nobody can take what another has read.
        readers = [Person(house, by=Filter.of(nodes=[1, 100 + each]), position=begins) for each in range(20)]
        live = Person(house)
        live.heard()
        house.append(turn=False)
        for turn in range(1, 10):
            step(house.clock)
            self.assertEqual(len(reads), turn)
        self.assertEqual(len(live.numbers()), 1, "in the first of these turns")
        self.assertEqual(reads, [0] * 9, "whoever has waited longest has the turn")
        house.clock.advance(0)
        for reader in readers:
            self.assertEqual(reader.numbers(), list(range(10_001)))

    def test_what_one_has_read_others_who_ask_for_the_same_take_over(self) -> None:
        house = House()
        begins = Person(house).heard()[0]["position"]
        for _ in range(500):
            house.append(20)
        reads: list[int] = []
        read = house.log.read
        self.patch(house.log, "read", lambda position, *rest: reads.append(position.seq) or read(position, *rest))
        readers = [Person(house, position=begins) for _ in range(20)]
        house.clock.advance(0)
        for reader in readers:
            self.assertEqual(reader.numbers(), list(range(10_000)))
        self.assertEqual(len(set(reads)), len(reads), "nothing is read twice")

    def test_a_client_that_goes_while_it_waits_for_its_turn_is_forgotten(self) -> None:
        house = House()
        begins = Person(house).heard()[0]["position"]
        for _ in range(500):
            house.append()
        person = Person(house, position=begins)
        person.dashboard.gone(1006, "")
        house.clock.advance(0)
        self.assertEqual([each["type"] for each in person.heard()], ["connected"])

    def test_a_client_that_is_full_and_takes_a_little_is_not_given_up(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        for number in range(5):
            house.pass_time(40)
            person.socket.taken = number
        self.assertEqual(person.socket.close_codes, [])
        house.pass_time(62)
        self.assertEqual(person.socket.close_codes, [4008])


class KeepAliveTests(SynchronousTestCase):
    """Pings, and giving up."""

    def setUp(self) -> None:
        self.house = House()
        self.person = Person(self.house)

    def pings(self, seconds: int) -> int:
        before = self.person.socket.did.count("ping")
        self.house.pass_time(seconds)
        return self.person.socket.did.count("ping") - before

    def test_a_ping_every_twenty_seconds(self) -> None:
        counts = []
        for _ in range(6):
            counts.append(self.pings(20))
            self.person.dashboard.heard()
        self.assertEqual(counts, [1] * 6)

    def test_sixty_seconds_without_a_word_and_it_is_closed_with_4008(self) -> None:
        self.house.pass_time(60)
        self.assertEqual(self.person.socket.close_codes, [])
        self.house.pass_time(1)
        [(code, reason)] = [each for each in self.person.socket.did if each != "ping"]
        self.assertEqual((code, "60" in reason), (4008, True))
        self.assertEqual(self.pings(40), 0)

    def test_any_sign_of_life_counts(self) -> None:
        for sign in (self.person.dashboard.heard, lambda: self.person.tell(type="ping"), lambda: self.person.tell(x=1)):
            for _ in range(3):
                self.house.pass_time(50)
                sign()
        self.assertEqual(self.person.socket.close_codes, [])

    def test_sixty_seconds_with_a_full_socket_and_it_is_closed_with_4008(self) -> None:
        self.house.pass_time(30)
        self.person.dashboard.heard()
        self.person.stall()
        self.house.pass_time(60)
        self.assertEqual(self.person.socket.close_codes, [])
        self.house.pass_time(1)
        [(code, reason)] = [each for each in self.person.socket.did if each != "ping"]
        self.assertEqual((code, "60" in reason), (4008, True))

    def test_one_that_could_not_be_heard_while_it_was_full_has_sixty_seconds_again(self) -> None:
        self.house.pass_time(30)
        self.person.stall()
        self.house.pass_time(55)
        self.person.take()
        self.house.pass_time(59)
        self.assertEqual(self.person.socket.close_codes, [])
        self.house.pass_time(2)
        self.assertEqual(self.person.socket.close_codes, [4008])

    def test_a_full_socket_is_not_pinged(self) -> None:
        self.person.stall()
        self.assertEqual(self.pings(50), 0)


class HistoryTests(SynchronousTestCase):
    """The past, beside the live stream."""

    def fill(self, log: MemoryLog, windows: int = 600) -> House:
        house = House(log)
        for _ in range(windows):
            house.append()
        return house

    def test_it_is_read_page_by_page_and_ends_with_history_end(self) -> None:
        log = SlowLog()
        house = self.fill(log)
        person = Person(house)
        person.tell(type="history", from_ms=0, to_ms=10**12)
        self.assertEqual(len(person.heard()), 1, "nothing is read in the turn of the request")
        house.clock.advance(0)
        heard = person.heard()
        self.assertEqual((len(heard), heard[-1]["type"], heard[-1]["batches"]), (601, "history_end", 600))
        self.assertGreaterEqual(log.reads, 3)
        self.assertEqual(house.slots.taken, 0)

    def test_live_batches_come_between(self) -> None:
        house = self.fill(memory_log())
        person = Person(house)
        person.tell(type="history", from_ms=0, to_ms=10**12)
        person.heard()
        step(house.clock)
        house.append(turn=False)
        for _ in range(3):
            step(house.clock)
        heard = person.heard()
        live = [at for at, each in enumerate(heard) if each["type"] == "batch" and "history" not in each]
        self.assertEqual(len(live), 1)
        house.clock.advance(0)
        self.assertEqual((heard + person.heard())[-1]["type"], "history_end")
        self.assertLess(live[0], 599)

    def test_nothing_is_read_while_the_socket_is_full(self) -> None:
        log = SlowLog()
        house = self.fill(log)
        person = Person(house)
        person.socket.room = 10
        person.tell(type="history", from_ms=0, to_ms=10**12)
        house.clock.advance(0)
        house.pass_time(30)
        self.assertEqual((len(person.heard()), log.reads), (11, 1))
        person.take()
        house.clock.advance(0)
        self.assertEqual(person.heard()[-1]["type"], "history_end")

    def test_a_paced_one_comes_at_its_time(self) -> None:
        house = self.fill(memory_log(), 4)
        person = Person(house)
        person.tell(type="history", from_ms=0, to_ms=10**12, speed=0.05)
        house.clock.advance(0)
        self.assertEqual(len(person.heard()), 2)
        house.clock.advance(0.999)
        self.assertEqual(len(person.heard()), 0)
        house.clock.advance(0.001)
        self.assertEqual(len(person.heard()), 1)
        house.clock.advance(1)
        house.clock.advance(1)
        self.assertEqual([each["type"] for each in person.heard()], ["batch", "batch", "history_end"])

    def test_a_page_that_was_asked_for_before_does_not_get_into_another_history(self) -> None:
        log = SlowLog()
        house = self.fill(log, 10)
        person = Person(house)
        log.wait = Deferred()
        person.tell(type="history", from_ms=1_000, to_ms=1_200)
        house.clock.advance(0)
        person.tell(type="history", from_ms=1_300, to_ms=1_500)
        wait, log.wait = log.wait, None
        wait.callback(None)
        house.clock.advance(0)
        heard = [each for each in person.heard() if each["type"] in ("batch", "history_end")]
        self.assertEqual(
            [each.get("cancelled", each.get("data", {}).get("window_start")) for each in heard],
            [True, 1_300, 1_350, 1_400, 1_450, False],
        )

    def test_one_that_can_not_be_read_closes_with_1011_and_is_logged(self) -> None:
        log = SlowLog()
        house = self.fill(log, 10)
        person = Person(house)
        log.wait = Deferred()
        person.tell(type="history", from_ms=0, to_ms=10**12)
        house.clock.advance(0)
        log.wait.errback(OSError("the disk is gone"))
        self.assertEqual(person.socket.close_codes, [1011])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_a_client_that_goes_while_it_is_read_gives_everything_back(self) -> None:
        for speed in ({}, {"speed": 0.1}):
            log = SlowLog()
            house = self.fill(log, 10)
            person = Person(house)
            log.wait = Deferred()
            person.tell(type="history", from_ms=0, to_ms=10**12, **speed)
            house.clock.advance(0)
            person.dashboard.gone(1006, "")
            self.assertEqual((house.slots.taken, len(house.clients)), (0, 0))
            log.wait.callback(None)
            house.clock.advance(0)
            self.assertEqual((house.slots.taken, len(person.heard())), (0, 1))
            house.clients.stopService()
            self.assertEqual(house.clock.getDelayedCalls(), [])


class FinishTests(SynchronousTestCase):
    """The end of the daemon, as a client sees it."""

    def finish(self, person: Person) -> list[Any]:
        done: list[Any] = []
        person.dashboard.finish().addCallback(done.append)
        return done

    def test_what_is_left_is_delivered_then_it_is_closed_with_1001(self) -> None:
        house = House()
        person = Person(house)
        for _ in range(3):
            house.append(turn=False)
        done = self.finish(person)
        house.clock.advance(0)
        self.assertEqual((person.numbers(), person.socket.close_codes, done), ([0, 1, 2], [1001], []))
        person.dashboard.gone(1001, "")
        self.assertEqual(done, [None])

    def test_one_whose_socket_is_full_gets_the_rest_when_it_takes_it(self) -> None:
        house = House()
        person = Person(house)
        person.stall()
        house.append()
        self.finish(person)
        self.assertEqual(person.socket.close_codes, [])
        person.take()
        house.clock.advance(0)
        self.assertEqual((person.numbers(), person.socket.close_codes), ([0], [1001]))

    def test_a_long_rest_is_delivered_whole(self) -> None:
        self.patch(dashboard_module, "MAX_BYTES_PER_TURN", 50_000)
        house = House()
        person = Person(house)
        person.tell(type="pause")
        for _ in range(30):
            house.append(1_000)
        person.tell(type="resume", catch_up=True)
        self.finish(person)
        house.clock.advance(0)
        self.assertEqual((len(person.numbers()), person.socket.close_codes), (30_000, [1001]))

    def test_a_paused_one_is_closed_at_once(self) -> None:
        house = House()
        person = Person(house)
        person.tell(type="pause")
        house.append()
        self.finish(person)
        self.assertEqual((person.numbers(), person.socket.close_codes), ([], [1001]))

    def test_a_history_is_cancelled_and_says_so(self) -> None:
        for speed in ({"speed": 0.001}, {}):
            house = House()
            for _ in range(500):
                house.append()
            person = Person(house)
            person.tell(type="history", from_ms=0, to_ms=10**12, **speed)
            step(house.clock)
            self.finish(person)
            house.clock.advance(0)
            end = person.heard()[-1]
            self.assertEqual((end["type"], end["cancelled"]), ("history_end", True))
            self.assertEqual((person.socket.close_codes, house.slots.taken), ([1001], 0))

    def test_one_that_is_being_closed_is_waited_for(self) -> None:
        house = House()
        person = Person(house)
        house.pass_time(61)
        done = self.finish(person)
        self.assertEqual((person.socket.close_codes, done), ([4008], []))
        person.dashboard.gone(4008, "")
        self.assertEqual(done, [None])

    def test_nothing_is_sent_or_planned_after_it_has_gone(self) -> None:
        house = House()
        person = Person(house)
        person.tell(type="history", from_ms=0, to_ms=10**12)
        person.dashboard.gone(1000, "bye")
        person.heard()
        house.append()
        person.dashboard.drained()
        person.tell(type="ping")
        house.clients.stopService()
        self.assertEqual((person.heard(), house.clock.getDelayedCalls()), ([], []))


class MixedTests(SynchronousTestCase):
    """Things that come together."""

    def test_a_malformed_message_is_an_error_and_the_stream_goes_on(self) -> None:
        house = House()
        person = Person(house)
        person.dashboard.received(b"\xff\x00", True)
        house.append()
        self.assertEqual([each["type"] for each in person.heard()], ["connected", "error", "batch"])
        self.assertEqual(person.socket.did, [])

    def test_what_was_sent_is_counted_over_all_clients_present_and_past(self) -> None:
        house = House()
        one, two = Person(house), Person(house, by=Filter.of(["swim"]))
        house.append(3)
        house.log.append(draft(2_000, [made("Swim.Alive")]))
        house.clock.advance(0)
        before = house.clients.traffic()
        self.assertEqual((before.batches, before.events), (3, 5))
        self.assertEqual(before.sent["json"].frames, 5, "each got a connected, too")
        one.dashboard.gone(1000, "")
        two.dashboard.gone(1006, "")
        self.assertEqual(house.clients.traffic(), before)
        self.assertEqual(house.clients.closes, {1000: 1, 1006: 1})
