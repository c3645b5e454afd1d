"""Honest transcripts break no sentence; a spoiled one breaks the one that forbids it."""

from collections.abc import Sequence
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from bench.filters import Asked
from bench.law.transcript import Batch, Record, ids_of
from tests.bench.made import (
    EVERYTHING,
    HEAT,
    WINDOWS,
    batch,
    batches,
    broken,
    changed,
    gap,
    log,
    note,
    opened,
    windows,
    with_ids,
)

FILTERS = (EVERYTHING, HEAT)


def honest(asked: Asked = EVERYTHING, step: int = 1) -> list[Record]:
    """A reader who was there from the first window to the last."""
    return [*opened(asked), *batches(windows(), 0, WINDOWS, asked, step), note("finished")]


def returning(asked: Asked = EVERYTHING, left: int = 10, taken: int = 20) -> list[Record]:
    """A reader who lost its connection, and came back."""
    made = windows()
    there = batches(made, 0, left, asked)
    last = there[-1]
    assert isinstance(last, Batch)
    back = opened(asked, position=last.position)
    return [*opened(asked), *there, note("left"), *back, *batches(made, left, WINDOWS, asked, taken), note("finished")]


def missing(
    reason: str, asked: Asked = EVERYTHING, first: int = 10, behind: int = 30, **fields: object
) -> list[Record]:
    """A reader who was told of a hole."""
    made = windows()
    return [
        *opened(asked, max_lag_ms=500), *batches(made, 0, first, asked), gap(made, first, behind, reason, **fields),
        *batches(made, behind, WINDOWS, asked), note("finished"),
    ]  # fmt: skip


class HonestTests(SynchronousTestCase):
    """Nothing to say."""

    def test_every_window(self) -> None:
        for asked in FILTERS:
            for step in (1, 7):
                self.assertEqual(broken(honest(asked, step)), set())

    def test_a_filter_that_matches_nothing(self) -> None:
        asked = Asked("", nodes=(9,), types=("cache",))
        self.assertEqual(
            broken([*opened(asked), note("position", position="position-40"), note("finished")]), set()
        )  # fmt: skip

    def test_coming_back(self) -> None:
        for asked in FILTERS:
            self.assertEqual(broken(returning(asked)), set())

    def test_beginning_in_the_middle(self) -> None:
        made = windows()
        for asked in FILTERS:
            self.assertEqual(broken([*opened(asked, at=7), *batches(made, 7, WINDOWS, asked), note("finished")]), set())

    def test_a_hole(self) -> None:
        for asked in FILTERS:
            self.assertEqual(broken(missing("slow", asked)), set())

    def test_another_filter(self) -> None:
        made = windows()
        types = list(HEAT.types)
        for late in (10, 13):
            records = [
                *opened(), *batches(made, 0, late), note("filter", types=types), note("pong", behind="filter"),
                *batches(made, late, WINDOWS, HEAT), note("finished"),
            ]  # fmt: skip
            self.assertEqual(broken(records), set())

    def test_holding_and_catching_up(self) -> None:
        made = windows()
        records = [
            *opened(), *batches(made, 0, 10), note("pause"), *batches(made, 10, 11), note("pong", behind="pause"),
            note("resume", catch_up=True), note("pong", behind="resume"), *batches(made, 11, WINDOWS, step=8),
            note("finished"),
        ]  # fmt: skip
        self.assertEqual(broken(records), set())

    def test_holding_and_going_on_at_the_head(self) -> None:
        made = windows()
        records = [
            *opened(), *batches(made, 0, 10), note("pause"), note("pong", behind="pause"), note("resume"),
            gap(made, 10, 20, "paused"), note("pong", behind="resume"), *batches(made, 20, WINDOWS), note("finished"),
        ]  # fmt: skip
        self.assertEqual(broken(records), set())


class SpoiledTests(SynchronousTestCase):
    """One thing is wrong."""

    def breaks(self, sentence: str, records: list[Record], *others: str) -> None:
        """It is found, and nothing else is blamed but ``others``."""
        found = broken(records)
        self.assertIn(sentence, found)
        self.assertLessEqual(found, {sentence, *others})

    def test_a_batch_is_dropped(self) -> None:
        for asked in FILTERS:
            for number in (0, 5, -1):
                self.breaks("complete or declared incomplete", changed(honest(asked), number, lambda _: []))

    def test_a_batch_is_doubled(self) -> None:
        for asked in FILTERS:
            self.breaks(
                "each once", changed(honest(asked), 5, lambda each: [each, each]),
                "ordered", "a position names one place", "a window is never split",
            )  # fmt: skip

    def test_an_old_batch_comes_again_as_a_new_one(self) -> None:
        old = batch(windows(), 3, 4)
        assert old
        again = replace(old, start_ms=100_999, end_ms=101_000, position="new")
        self.breaks(
            "each once", changed(honest(), 20, lambda each: [again, each]), "ordered", "a window is never split"
        )

    def test_two_batches_are_swapped(self) -> None:
        for asked in FILTERS:
            records = honest(asked)
            records[7], records[8] = records[8], records[7]
            self.breaks("ordered", records, "complete or declared incomplete", "each once", "a window is never split")

    def test_an_event_is_missing_inside(self) -> None:
        for asked in FILTERS:
            records = changed(
                honest(asked, 5), 3, lambda each: [with_ids(each, [*ids_of(each)][:2] + [*ids_of(each)][3:])]
            )
            self.breaks("complete or declared incomplete", records)

    def test_events_are_swapped_inside(self) -> None:
        records = changed(honest(), 3, lambda each: [with_ids(each, [*ids_of(each)][::-1])])
        self.breaks("ordered", records)

    def test_an_event_is_there_twice(self) -> None:
        records = changed(honest(), 3, lambda each: [with_ids(each, [*[*ids_of(each)][:1], *ids_of(each)])])
        self.breaks("each once", records)

    def test_an_event_that_the_filter_forbids(self) -> None:
        for number in (0, 9):
            other = ids_of(batch(windows(), number, number + 1))[0]  # type: ignore[arg-type]
            records = changed(honest(HEAT), 5, lambda each, other=other: [with_ids(each, [other, *ids_of(each)])])
            self.breaks("under its filter", records)

    def test_an_event_under_the_filter_before(self) -> None:
        made = windows()
        records = [
            *opened(), *batches(made, 0, 10), note("filter", types=list(HEAT.types)), note("pong", behind="filter"),
            *batches(made, 10, 11), *batches(made, 11, WINDOWS, HEAT), note("finished"),
        ]  # fmt: skip
        self.breaks("under its filter", records)

    def test_windows_are_left_out_when_the_filter_changes(self) -> None:
        made = windows()
        records = [
            *opened(), *batches(made, 0, 10), note("filter", types=list(HEAT.types)), note("pong", behind="filter"),
            *batches(made, 13, WINDOWS, HEAT), note("finished"),
        ]  # fmt: skip
        self.breaks("complete or declared incomplete", records)

    def test_a_window_is_split(self) -> None:
        def split(whole: Batch) -> list[Record]:
            ids = [*ids_of(whole)]
            return [with_ids(whole, ids[:1], position="half"), with_ids(whole, ids[1:])]

        def split_at_its_end(whole: Batch) -> list[Record]:
            ids = [*ids_of(whole)]
            following = whole.end_ms - 50
            return [with_ids(whole, ids[:-5], position="half"), with_ids(whole, ids[-5:], start_ms=following)]

        for asked in FILTERS:
            records = honest(asked)
            sizes = [each.events for each in records if isinstance(each, Batch)]
            self.breaks("a window is never split", changed(records, sizes.index(max(sizes)), split), "ordered")
        self.breaks("a window is never split", changed(honest(step=4), 5, split_at_its_end))

    def test_a_position_repeats(self) -> None:
        for asked in FILTERS:
            spoiled = changed(honest(asked), 6, lambda each: [replace(each, position="position-3")])
            self.breaks("a position names one place", spoiled)

    def test_a_position_is_of_another_place(self) -> None:
        spoiled = changed(honest(), 6, lambda each: [replace(each, position="position-9")])
        self.breaks("a position names one place", spoiled)

    def test_a_batch_has_no_position(self) -> None:
        self.breaks("a position names one place", changed(honest(), 6, lambda each: [replace(each, position=None)]))

    def test_a_gap_says_too_few_or_too_many_events(self) -> None:
        for asked in FILTERS:
            for events in (0, 479, 481, 600):
                for said in ({}, {"position": "unknown"}):
                    self.breaks(
                        "gaps are true", missing("slow", asked, events=events, **said), "each once",
                        "complete or declared incomplete",
                    )  # fmt: skip

    def test_a_gap_says_too_few_windows(self) -> None:
        self.breaks("gaps are true", missing("slow", windows=19))

    def test_a_gap_has_the_wrong_times(self) -> None:
        for fields in ({"from_ms": 100_450}, {"to_ms": 101_550}, {"from_ms": None}):
            self.breaks("gaps are true", missing("slow", **fields), "each once", "complete or declared incomplete")

    def test_a_gap_hides_more_than_it_says(self) -> None:
        records = missing("slow", HEAT)
        at = next(index for index, each in enumerate(records) if not isinstance(each, Batch) and each.word == "gap")
        self.breaks("complete or declared incomplete", records[: at + 1] + records[at + 2 :])
        self.breaks("complete or declared incomplete", records[: at - 1] + records[at:], "gaps are true")

    def test_a_reason_where_it_may_not_be(self) -> None:
        for reason in ("paused", "restart", "corrupt", "budget"):
            self.assertIn("each reason where it may be", broken(missing(reason)))

    def test_a_reader_who_was_not_slow(self) -> None:
        self.breaks("each reason where it may be", missing("slow", behind=13))

    def test_what_was_not_trimmed(self) -> None:
        oldest = [(0, 100_600), (1, 100_600)]
        self.assertEqual(broken(missing("trimmed", behind=12), log(oldest)), set())
        self.assertEqual(broken(missing("trimmed", behind=30), log(oldest)), {"each reason where it may be"})

    def test_a_seam(self) -> None:
        for asked in FILTERS:
            for number, what in ((10, "complete or declared incomplete"), (9, "each once")):
                made = windows()
                there = batches(made, 0, 10, asked)
                again = batches(made, number + (number == 10), WINDOWS, asked)
                records = [
                    *opened(asked), *there, note("left"),
                    *opened(asked, position=there[-1].position), *again, note("finished"),  # type: ignore[union-attr]
                ]  # fmt: skip
                self.breaks(
                    "resumable", records, what, "ordered", "a position names one place", "a window is never split"
                )

    def test_another_position_than_it_came_with(self) -> None:
        records = returning()
        at = [index for index, each in enumerate(records) if not isinstance(each, Batch) and each.word == "connected"]
        records[at[1]] = note("connected", position="position-40")
        self.breaks("resumable", records)

    def test_a_summary_is_wrong(self) -> None:
        spoiled = changed(honest(), 6, lambda each: [replace(each, counts=(0,) * 8)])
        self.breaks("the summary counts what is sent", spoiled)

    def test_a_batch_comes_while_paused(self) -> None:
        made = windows()
        records = [
            *opened(), *batches(made, 0, 10), note("pause"), note("pong", behind="pause"), *batches(made, 10, 11),
            note("resume", catch_up=True), *batches(made, 11, WINDOWS), note("finished"),
        ]  # fmt: skip
        self.breaks("a held cursor stands still", records)

    def test_silence(self) -> None:
        asked = Asked("", nodes=(9,), types=("cache",))
        records: list[Record] = [*opened(asked, takes_always=True), note("position", position="position-40")]
        records[-1].at_us = 10_100_000
        self.breaks("silence is broken by positions", records)

    def test_the_connection_is_closed_or_the_client_gives_up(self) -> None:
        self.breaks("the conversation is the contract's", [*honest()[:-1], note("closed", why="4008")])
        self.breaks("complete or declared incomplete", [*honest()[:-1], note("unfinished")])


class HistoryTests(SynchronousTestCase):
    """A second cursor, beside the live one."""

    def asked(
        self, asked: Asked = EVERYTHING, begins: int = 10, hole: Sequence[Record] = (), **end: object
    ) -> list[Record]:
        """A request for windows 10 to 20, answered well from the window ``begins`` on."""
        made = windows()
        past = [each for at in range(begins, 20) if (each := batch(made, at, at + 1, asked, is_history=True))]
        request = {"from_ms": made[10][0], "to_ms": made[20][0]}
        ended = {"batches": len(past), "events": sum(each.events for each in past), "cancelled": False} | request
        live = batches(made, 0, WINDOWS, asked)
        return [
            *opened(asked), *live[:-5], note("history", **request), *hole, *past[:5], *live[-5:-3], *past[5:],
            *live[-3:], note("history_end", **ended | end), note("finished"),
        ]  # fmt: skip

    def spoiled(self, records: list[Record]) -> None:
        self.assertEqual(broken(records), {"histories are the log"})

    def past(self, records: list[Record]) -> list[int]:
        return [index for index, each in enumerate(records) if isinstance(each, Batch) and each.is_history]

    def test_it_is_the_log(self) -> None:
        for asked in FILTERS:
            self.assertEqual(broken(self.asked(asked)), set())

    def test_a_batch_is_dropped_doubled_or_swapped(self) -> None:
        for asked in FILTERS:
            for number in (0, 2, -1):
                records = self.asked(asked)
                del records[self.past(records)[number]]
                self.spoiled(records)
            records = self.asked(asked)
            at = self.past(records)[2]
            self.spoiled([*records[:at], records[at], *records[at:]])
            records[at], records[at + 1] = records[at + 1], records[at]
            self.spoiled(records)

    def test_its_end_counts_wrong_or_lies(self) -> None:
        for end in ({"batches": 9}, {"events": 1}, {"cancelled": True}, {"from_ms": 1}):
            self.spoiled(self.asked(**end))

    def test_it_has_no_end(self) -> None:
        records = self.asked()
        self.spoiled([each for each in records if isinstance(each, Batch) or each.word != "history_end"])

    def test_what_is_trimmed_is_declared(self) -> None:
        made = windows()
        hole = {"from_ms": made[10][0], "to_ms": made[15][0], "windows": None, "events": None, "history": True}
        told = note("gap", **hole, reason="trimmed")
        for asked in FILTERS:
            self.assertEqual(broken(self.asked(asked, 15, [told])), set())
            self.spoiled(self.asked(asked, 15))
            self.spoiled(self.asked(asked, 18, [told]))
        counted = gap(made, 10, 15, "trimmed", history=True)
        del counted.fields["position"]
        self.assertEqual(broken(self.asked(begins=15, hole=[counted])), set())
        counted.fields["events"] += 1
        self.spoiled(self.asked(begins=15, hole=[counted]))
