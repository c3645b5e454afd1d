"""Tests of ``vizd.stream.history``."""

import json
from typing import Any

import msgpack
from twisted.trial.unittest import TestCase

from tests.stream.made import draft, fsyncs, made, memory_log
from vizd.log.memory import MemoryLog
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frames
from vizd.stream.history import PAGE, History, ReadSlots

EVERYTHING = Filter.of()
WALS = Filter.of(["wal"])
END = 10**15


def filled(windows: int = 10, max_age_ms: int = 3_600_000) -> MemoryLog:
    """A window of two events at 1,000 ms and every 100 ms from there; every third has none."""
    log = memory_log(max_age_ms)
    for number in range(windows):
        append(log, number)
    return log


def append(log: MemoryLog, number: int) -> None:
    events = [] if number % 3 == 2 else [*fsyncs(1, first=number), made("Swim.Alive", node=number)]
    log.append(draft(1_000 + 100 * number, events, 100))


class Reading:
    """A history and whoever holds it, with a clock that is a number."""

    def __init__(
        self,
        log: MemoryLog,
        from_ms: int = 0,
        to_ms: int = END,
        by: Filter = EVERYTHING,
        speed: float | None = None,
        slots: ReadSlots | None = None,
        encoder: Any = JSON,
    ) -> None:
        self.log = log
        self.slots = slots or ReadSlots()
        assert self.slots.take()
        self.history = History(log, self.slots, Frames(log.epoch), by, encoder, from_ms, to_ms, speed)
        self.now_ms = 500_000.0
        self._loads = json.loads if encoder is JSON else msgpack.unpackb

    def say(self) -> dict[str, Any] | None:
        """The next message that is due."""
        frame = self.history.pull(self.now_ms)
        return None if frame is None else self._loads(frame.payload)

    async def feed(self) -> bool:
        """One page, if it wants one."""
        wanted = self.history.wants()
        if wanted is None:
            return False
        self.history.feed(await self.log.read(wanted.position, wanted.stop, wanted.wanted, wanted.limits))
        return True

    async def rest(self) -> list[dict[str, Any]]:
        """All that comes without waiting for time to pass."""
        said = []
        while True:
            message = self.say()
            if message is not None:
                said.append(message)
            elif not await self.feed():
                return said


def starts(said: list[dict[str, Any]]) -> list[int]:
    """The window_start of each batch, in order."""
    return [each["data"]["window_start"] for each in said if each["type"] == "batch"]


class HistoryTests(TestCase):
    """Which windows come, and what stands around them."""

    async def test_all_windows_with_events_come_oldest_first_then_the_end(self) -> None:
        said = await Reading(filled()).rest()
        self.assertEqual(starts(said), [1_000, 1_100, 1_300, 1_400, 1_600, 1_700, 1_900])
        self.assertEqual(
            said[-1],
            {"type": "history_end", "from_ms": 0, "to_ms": END, "batches": 7, "events": 14, "cancelled": False},
        )
        self.assertEqual([each["type"] for each in said[:-1]], ["batch"] * 7)
        self.assertTrue(all(each["history"] is True and "position" not in each for each in said[:-1]))
        self.assertEqual([each["data"]["window_end"] for each in said[:2]], [1_100, 1_200])

    async def test_a_window_belongs_to_the_range_by_its_start(self) -> None:
        log = filled()
        for from_ms, to_ms, right in (
            (1_100, 1_400, [1_100, 1_300]),
            (1_101, 1_401, [1_300, 1_400]),
            (1_099, 1_101, [1_100]),
            (1_100, 1_100, []),
            (1_150, 1_200, []),
            (0, 1_000, []),
            (1_901, END, []),
            (1_900, END, [1_900]),
        ):
            said = await Reading(log, from_ms, to_ms).rest()
            self.assertEqual(starts(said), right, (from_ms, to_ms))
            self.assertEqual(
                (said[-1]["type"], said[-1]["from_ms"], said[-1]["to_ms"]), ("history_end", from_ms, to_ms)
            )

    async def test_an_empty_log_is_an_empty_history(self) -> None:
        [end] = await Reading(memory_log()).rest()
        self.assertEqual((end["batches"], end["events"], end["cancelled"]), (0, 0, False))

    async def test_only_what_the_filter_lets_pass_comes_and_is_counted(self) -> None:
        said = await Reading(filled(), by=Filter.of(["swim"], [3, 4])).rest()
        self.assertEqual(starts(said), [1_300, 1_400])
        self.assertEqual((said[-1]["batches"], said[-1]["events"]), (2, 2))
        self.assertEqual(said[0]["data"]["summary"]["swim_count"], 1)
        self.assertEqual(said[0]["data"]["summary"]["wal_count"], 0)

    async def test_it_is_the_log_as_it_stood_at_the_request(self) -> None:
        log = filled(4)
        reading = Reading(log)
        for number in range(4, 10):
            append(log, number)
        self.assertEqual(starts(await reading.rest()), [1_000, 1_100, 1_300])

    async def test_messagepack_says_the_same(self) -> None:
        log = filled()
        self.assertEqual(await Reading(log, encoder=MESSAGEPACK).rest(), await Reading(log).rest())

    async def test_many_pages_are_one_history(self) -> None:
        log = filled(2_000)
        said = await Reading(log).rest()
        self.assertEqual(len(said), 1_334 + 1)
        self.assertEqual(starts(said), [1_000 + 100 * number for number in range(2_000) if number % 3 != 2])

    async def test_what_is_trimmed_in_front_of_it_is_a_gap_and_then_comes_what_is_left(self) -> None:
        log = filled(2_000, max_age_ms=300_000)
        reading = Reading(log)
        await reading.feed()
        said = [reading.say() for _ in range(50)]
        while log.oldest.seq < 500:
            append(log, log.head.seq)
        oldest, oldest_ms = log.oldest.seq + 1, log.oldest_start_ms
        said += await reading.rest()
        [gap] = [each for each in said if each["type"] == "gap"]
        at = said.index(gap)
        self.assertEqual(set(gap), {"type", "from_ms", "to_ms", "windows", "events", "reason", "history"})
        self.assertEqual((gap["reason"], gap["history"], gap["to_ms"]), ("trimmed", True, oldest_ms))
        # The page that was read before holds 100 windows with events, 150 with the others.
        last_seq = (gap["from_ms"] - 1_000) // 100
        self.assertEqual(gap["windows"], oldest - 1 - last_seq)
        missed = range(last_seq, oldest - 1)
        self.assertEqual(gap["events"], sum(2 for number in missed if number % 3 != 2))
        delivered = starts(said)
        self.assertEqual(delivered, sorted(set(delivered)))
        self.assertEqual(delivered[0], 1_000)
        self.assertLess(starts(said[:at])[-1], gap["from_ms"])
        self.assertGreaterEqual(starts(said[at:])[0], gap["to_ms"])
        right = {1_000 + 100 * number for number in range(2_000) if number % 3 != 2 and number not in missed}
        self.assertEqual(set(delivered), right)

    async def test_a_history_that_was_trimmed_as_a_whole_is_a_gap_and_the_end(self) -> None:
        log = filled(20, max_age_ms=5_000)
        reading = Reading(log, 1_000, 2_000)
        while log.oldest.seq < 30:
            append(log, log.head.seq)
        gap, end = await reading.rest()
        self.assertEqual(
            gap,
            {"type": "gap", "from_ms": None, "to_ms": 2_000, "windows": 10, "events": 14, "reason": "trimmed",
             "history": True},
        )  # fmt: skip
        self.assertEqual((end["type"], end["batches"], end["cancelled"]), ("history_end", 0, False))

    async def test_what_was_trimmed_before_it_was_asked_for_is_a_gap_whose_size_nobody_knows(self) -> None:
        log = filled(2_000, max_age_ms=100_000)
        oldest_ms = log.oldest_start_ms
        for from_ms, to_ms, right in (
            (0, END, (0, oldest_ms)),
            (500, 900, (500, 900)),
            (log.oldest.end_ms - 1, END, (log.oldest.end_ms - 1, oldest_ms)),
            (log.oldest.end_ms, END, None),
            (500, 500, None),
        ):
            said = await Reading(log, from_ms, to_ms).rest()
            gaps = [each for each in said if each["type"] == "gap"]
            self.assertEqual([(each["from_ms"], each["to_ms"]) for each in gaps], [right] if right else [])
            for gap in gaps:
                self.assertIs(said[0], gap)
                self.assertEqual((gap["windows"], gap["events"], gap["reason"]), (None, None, "trimmed"))

    async def test_a_cancelled_one_says_what_it_had_sent(self) -> None:
        reading = Reading(filled(), 5, 10_000)
        await reading.feed()
        reading.say()
        end = json.loads(reading.history.end(cancelled=True).payload)
        self.assertEqual(
            end, {"type": "history_end", "from_ms": 5, "to_ms": 10_000, "batches": 1, "events": 2, "cancelled": True}
        )
        self.assertEqual((reading.say(), reading.history.wants(), reading.history.due(reading.now_ms)), (None,) * 3)

    async def test_a_page_that_comes_after_the_end_is_ignored(self) -> None:
        log = filled()
        reading = Reading(log)
        wanted = reading.history.wants()
        reading.history.end(cancelled=True)
        reading.history.feed(await log.read(wanted.position, wanted.stop, wanted.wanted, wanted.limits))
        self.assertEqual((reading.say(), reading.history.due(reading.now_ms)), (None, None))


class SpeedTests(TestCase):
    """Pacing, in multiples of real time."""

    async def test_windows_come_at_their_distance_in_time_divided_by_the_speed(self) -> None:
        reading = Reading(filled(), by=WALS, speed=2.0)
        came: list[tuple[float, int]] = []
        began_ms = reading.now_ms
        while not reading.history.ended:
            came += [(reading.now_ms - began_ms, start_ms) for start_ms in starts(await reading.rest())]
            due = reading.history.due(reading.now_ms)
            if due is not None:
                self.assertGreater(due, 0)
                reading.now_ms += due
        self.assertEqual(
            came, [(0, 1_000), (50, 1_100), (150, 1_300), (200, 1_400), (300, 1_600), (350, 1_700), (450, 1_900)]
        )

    async def test_time_is_counted_from_the_first_window_that_is_sent(self) -> None:
        reading = Reading(filled(), by=Filter.of(nodes=[3, 4]), speed=1.0)
        self.assertEqual(starts(await reading.rest()), [1_300])
        self.assertEqual(reading.history.due(reading.now_ms), 100)

    async def test_a_window_that_had_to_be_looked_at_and_is_not_sent_does_not_start_the_time(self) -> None:
        log = memory_log()
        for node, other in ((1, 2), (2, 1), (1, 1)):
            at_ms = (log.head.end_ms or 1_000) + 1_000
            log.append(draft(at_ms, [made("Wal.Fsync", node=node), made("Swim.Alive", node=other)]))
        reading = Reading(log, by=Filter.of(["swim"], [1]), speed=1.0)
        self.assertEqual(starts(await reading.rest()), [3_050])

    async def test_a_window_that_is_not_sent_is_not_waited_for(self) -> None:
        log = memory_log()
        for node, other in ((1, 1), (2, 1), (1, 2)):
            at_ms = (log.head.end_ms or 1_000) + 1_000
            log.append(draft(at_ms, [made("Wal.Fsync", node=node), made("Swim.Alive", node=other)]))
        said = await Reading(log, by=Filter.of(["wal"], [1, 9]), to_ms=3_051, speed=1.0).rest()
        self.assertEqual([each["type"] for each in said], ["batch", "history_end"])

    async def test_nothing_comes_before_it_is_due(self) -> None:
        reading = Reading(filled(), speed=0.5)
        await reading.rest()
        reading.now_ms += 199
        self.assertEqual((await reading.rest(), reading.history.due(reading.now_ms)), ([], 1))
        reading.now_ms += 1
        self.assertEqual(starts(await reading.rest()), [1_100])

    async def test_whoever_was_held_up_gets_all_that_is_due(self) -> None:
        reading = Reading(filled(), speed=1.0)
        await reading.rest()
        reading.now_ms += 650
        self.assertEqual(starts(await reading.rest()), [1_100, 1_300, 1_400, 1_600])

    async def test_any_speed_above_zero_is_one(self) -> None:
        for speed in (5e-324, 1e-9, 1e9, 1.7e308):
            reading = Reading(filled(), speed=speed)
            self.assertEqual(starts(await reading.rest())[:1], [1_000])
            due = reading.history.due(reading.now_ms)
            self.assertTrue(due is None or due >= 0)


class SlotsTests(TestCase):
    """At most eight read at once; a slot comes back in every way that a history can end."""

    def test_there_are_eight(self) -> None:
        slots = ReadSlots()
        self.assertEqual([slots.take() for _ in range(9)], [True] * 8 + [False])
        slots.give_back()
        self.assertEqual([slots.take(), slots.take()], [True, False])

    async def test_one_that_ends_gives_its_slot_back(self) -> None:
        reading = Reading(filled())
        self.assertEqual(reading.slots.taken, 1)
        await reading.rest()
        self.assertEqual(reading.slots.taken, 0)

    async def test_one_that_is_cancelled_at_any_point_gives_its_slot_back_once(self) -> None:
        for speed in (None, 1.0):
            for steps in range(4):
                reading = Reading(filled(), speed=speed)
                for _ in range(steps):
                    await reading.feed()
                    reading.say()
                reading.history.end(cancelled=True)
                self.assertEqual(reading.slots.taken, 0)

    async def test_one_that_is_not_paced_keeps_its_slot_between_pages(self) -> None:
        reading = Reading(filled(1_000))
        await reading.feed()
        self.assertEqual(reading.slots.taken, 1)
        for _ in range(PAGE.windows):
            reading.say()
        self.assertEqual(reading.slots.taken, 1)

    async def test_a_paced_one_has_a_slot_only_while_it_reads(self) -> None:
        reading = Reading(filled(1_000), speed=1.0)
        await reading.feed()
        self.assertEqual(reading.slots.taken, 0)
        reading.say()
        reading.now_ms += 10**9
        for _ in range(PAGE.windows - 1):
            reading.say()
        self.assertEqual(reading.slots.taken, 0)
        self.assertIsNotNone(reading.history.wants())
        self.assertEqual(reading.slots.taken, 1)
        await reading.feed()
        self.assertEqual(reading.slots.taken, 0)

    async def test_a_paced_one_waits_while_no_slot_is_free_and_goes_on_then(self) -> None:
        slots = ReadSlots()
        reading = Reading(filled(400), speed=1.0, slots=slots)
        await reading.feed()
        while slots.take():
            pass
        said = await reading.rest()
        reading.now_ms += 10**9
        said += await reading.rest()
        self.assertEqual(len(said), PAGE.windows)
        self.assertEqual((reading.history.wants(), reading.history.due(reading.now_ms)), (None, None))
        slots.give_back()
        said += await reading.rest()
        self.assertEqual(len(starts(said)), 267)
        self.assertEqual((said[-1]["type"], slots.taken), ("history_end", 7))
