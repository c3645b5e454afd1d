"""Tests of ``vizd.state.coverage``."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows, mark
from vizd.log.window import Mark, Publisher, Window
from vizd.state.coverage import Coverage, Covered


@dataclass
class Model:
    """Obvious and slow: what is true of each millisecond, from all windows ever made."""

    windows: list[Window]

    def first_seen(self, node: int) -> int | None:
        return next((one.start_ms for one in self.windows for each in one.marks if each.publisher.node == node), None)

    def is_connected(self, node: int, at_ms: int) -> bool:
        """At this millisecond, by the windows that have started."""
        newest, connected = None, False
        for window in self.windows:
            for each in window.marks:
                if window.start_ms <= at_ms and each.publisher.node == node:
                    if newest is None or each.connected:
                        newest = each.publisher
                    if each.publisher == newest:
                        connected = each.connected is not False
        return connected

    def lost(self, node: int, from_ms: int, to_ms: int) -> int:
        """In all seconds that have a part in the range."""
        return sum(
            each.lost
            for window in self.windows
            for each in window.marks
            if each.publisher.node == node
            and window.start_ms // 1_000 * 1_000 < to_ms
            and window.start_ms // 1_000 * 1_000 + 1_000 > from_ms
        )

    def covered(self, node: int, from_ms: int, to_ms: int) -> Covered | None:
        first_ms = self.first_seen(node)
        from_ms = max(from_ms, self.windows[0].start_ms) if self.windows else from_ms
        if first_ms is None or first_ms >= to_ms or from_ms >= to_ms:
            return None
        away = sum(not self.is_connected(node, at) for at in range(max(from_ms, first_ms), to_ms))
        return Covered(self.lost(node, from_ms, to_ms), away)


MARKS = st.lists(
    st.builds(
        mark,
        st.integers(1, 2),
        st.integers(1, 2),
        events=st.integers(0, 2),
        lost=st.sampled_from((0, 0, 0, 1, 5)),
        connected=st.sampled_from((None, True, False)),
    ),
    max_size=3,
)
LOGS = st.lists(st.tuples(st.integers(0, 1_500), MARKS), max_size=12)
"""Milliseconds since the window before, and its marks."""
TIMES = st.integers(0, 6_000) | st.integers(0, 6).map(lambda second: second * 1_000)


def folded(log: list[tuple[int, list[Mark]]]) -> tuple[Coverage, Model]:
    coverage, model, windows, at_ms = Coverage(), Model([]), Windows(), 0
    for distance_ms, marks in log:
        at_ms += distance_ms
        model.windows.append(windows.make(at_ms, marks=marks))
        coverage.fold(model.windows[-1])
    return coverage, model


class Case(SynchronousTestCase):
    """A coverage and the windows that are folded into it."""

    def setUp(self) -> None:
        self.coverage = Coverage()
        self.windows = Windows()

    def fold(self, at_ms: int, *marks: Mark) -> None:
        self.coverage.fold(self.windows.make(at_ms, marks=marks))

    def told(self, from_ms: int | None = None, to_ms: int | None = None) -> dict[int, dict[str, Any]]:
        return {each["node"]: each for each in self.coverage.nodes(from_ms, to_ms)}


class ModelTests(SynchronousTestCase):
    """The fold says what is true."""

    @settings(deadline=None)
    @given(LOGS, TIMES, TIMES)
    def test_what_it_says_of_a_range_is_true_of_its_milliseconds(
        self, log: list[tuple[int, list[Mark]]], from_ms: int, to_ms: int
    ) -> None:
        coverage, model = folded(log)
        for node in (1, 2, 3):
            self.assertEqual(coverage.covered(node, from_ms, to_ms), model.covered(node, from_ms, to_ms))

    @settings(deadline=None, max_examples=60)
    @given(LOGS, TIMES, st.sampled_from((1, 250, 1_000, 1_700)), st.integers(0, 9))
    def test_steps_are_ranges(self, log: list[tuple[int, list[Mark]]], from_ms: int, step_ms: int, count: int) -> None:
        coverage, model = folded(log)
        for node in (1, 2, 3):
            words = []
            for number in range(count):
                covered = coverage.covered(node, from_ms + number * step_ms, from_ms + (number + 1) * step_ms)
                words.append(covered and covered.word)
            self.assertEqual(coverage.words(node, from_ms, step_ms, count), words)
            first_ms = model.first_seen(node)
            lasts = [from_ms + (number + 1) * step_ms - 1 for number in range(count)]
            right = [None if first_ms is None or at < first_ms else model.is_connected(node, at) for at in lasts]
            self.assertEqual(coverage.connected(node, from_ms, step_ms, count), right)

    @settings(deadline=None, max_examples=60)
    @given(LOGS, st.none() | TIMES, st.none() | TIMES)
    def test_the_answer_is_made_of_the_same(
        self, log: list[tuple[int, list[Mark]]], from_ms: int | None, to_ms: int | None
    ) -> None:
        coverage, model = folded(log)
        told = {each["node"]: each for each in coverage.nodes(from_ms, to_ms)}
        self.assertEqual(list(told), sorted(told))
        newest_ms = max((window.end_ms for window in model.windows), default=0)
        end_ms = newest_ms if to_ms is None else min(to_ms, newest_ms)
        begin_ms = min(end_ms, max(from_ms or 0, model.windows[0].start_ms if model.windows else 0))
        first_seen = {node: model.first_seen(node) for node in (1, 2)}
        self.assertEqual(set(told), {node for node, at in first_seen.items() if at is not None and at < end_ms})
        for node, said in told.items():
            away = [at for span in said["disconnected"] for at in range(span["from_ms"], span["to_ms"])]
            seen_ms = max(begin_ms, first_seen[node] or 0)
            right = [at for at in range(seen_ms, end_ms) if not model.is_connected(node, at)]
            self.assertEqual((away, said["connected"]), (right, model.is_connected(node, end_ms - 1)))
            lost = model.lost(node, begin_ms, end_ms) if begin_ms < end_ms else 0
            self.assertEqual(sum(span["events"] for span in said["lost"]), lost)
            for span in said["lost"]:
                self.assertEqual((span["from_ms"] % 1_000, span["to_ms"] % 1_000), (0, 0))
                self.assertTrue(span["from_ms"] < end_ms and span["to_ms"] > begin_ms)

    @settings(deadline=None, max_examples=60)
    @given(LOGS, TIMES, TIMES)
    def test_trimming_changes_nothing_of_what_is_kept(
        self, log: list[tuple[int, list[Mark]]], trimmed_ms: int, to_ms: int
    ) -> None:
        log = [(10 * distance_ms, marks) for distance_ms, marks in log]
        trimmed_ms, to_ms = 10 * trimmed_ms, 10 * to_ms
        whole, _ = folded(log)
        coverage, _ = folded(log)
        coverage.trim(trimmed_ms)
        for node in set(coverage):
            self.assertEqual(coverage.covered(node, trimmed_ms, to_ms), whole.covered(node, trimmed_ms, to_ms))
        forgotten = set(whole) - set(coverage)
        for node in forgotten:
            covered = whole.covered(node, trimmed_ms, trimmed_ms + 10**6)
            self.assertEqual(covered and covered.word, "disconnected", "and since before that")


class CoverageTests(Case):
    """What is said of nodes, by example."""

    def test_an_empty_log_has_no_nodes(self) -> None:
        self.assertEqual(self.told(), {})
        self.assertIsNone(self.coverage.covered(1, 0, 10**15))
        self.assertEqual(self.coverage.words(1, 0, 1_000, 2), [None, None])

    def test_where_the_log_can_not_be_read_who_was_connected_has_lost_nobody_knows_how_many(self) -> None:
        self.fold(10_000, mark(7, connected=True), mark(8, 2, connected=True), mark(9, 3, connected=True))
        self.fold(11_200, mark(7, events=5), mark(9, 3, connected=False))
        self.coverage.miss(14_700)
        self.fold(14_700, mark(7, events=1), mark(8, 2, events=1), mark(9, 3, connected=True))
        lost = [{"from_ms": 11_000, "to_ms": 15_000, "events": None}]
        self.assertEqual({node: told["lost"] for node, told in self.told().items()}, {7: lost, 8: lost, 9: []})
        self.assertEqual(
            [self.coverage.words(node, 10_000, 1_000, 5) for node in (7, 9)],
            [
                ["complete", "lossy", "lossy", "lossy", "lossy"],
                ["complete", "disconnected", "disconnected", "disconnected", "disconnected"],
            ],
        )
        covered = self.coverage.covered(8, 12_000, 13_000)
        assert covered is not None
        self.assertEqual((covered.word, covered.lost), ("lossy", 0))
        self.assertEqual(self.coverage.covered(8, 10_000, 11_000), Covered(0, 0))

    def test_an_answer_reads_as_the_contract_says(self) -> None:
        self.fold(10_000, mark(7, connected=True, skew_ms=-20))
        self.fold(11_300, mark(7, events=5, lost=2))
        self.fold(11_900, mark(7, events=1, lost=1))
        self.fold(12_100, mark(7, lost=4))
        self.fold(14_000, mark(7, connected=False))
        self.fold(15_000, mark(7, 2, name="renamed", connected=True, skew_ms=5))
        self.fold(16_000, mark(7, 2, name="renamed", connected=False))
        self.fold(17_000)
        self.assertEqual(
            list(self.coverage.nodes()),
            [{
                "node": 7,
                "name": "renamed",
                "connected": False,
                "skew_ms": 5,
                "received": 6,
                "lost": [{"from_ms": 11_000, "to_ms": 13_000, "events": 7}],
                "disconnected": [{"from_ms": 14_000, "to_ms": 15_000}, {"from_ms": 16_000, "to_ms": 17_050}],
            }],
        )  # fmt: skip
        self.assertEqual(
            {name: self.told(12_500, 15_500)[7][name] for name in ("connected", "received", "lost", "disconnected")},
            {
                "connected": True,
                "received": 6,
                "lost": [{"from_ms": 12_000, "to_ms": 13_000, "events": 4}],
                "disconnected": [{"from_ms": 14_000, "to_ms": 15_000}],
            },
        )
        self.assertEqual(self.told(to_ms=10_000), {}, "it had not been seen")
        self.assertEqual(list(self.told(10**15, 10**16)[7]["disconnected"]), [])

    def test_a_process_that_takes_over_leaves_no_hole(self) -> None:
        self.fold(1_000, mark(1, 1, connected=True))
        self.fold(2_000, mark(1, 1, connected=False), mark(1, 2, connected=True))
        self.fold(2_100, mark(1, 1, events=1), mark(1, 1, connected=False))
        self.fold(3_000)
        self.assertEqual(self.coverage.covered(1, 0, 3_000), Covered(0, 0))
        self.assertTrue(self.told()[1]["connected"])

    def test_who_is_refused_is_not_that_node(self) -> None:
        refused = Mark(Publisher(7, "other", 1), 1, 0, refused=True)
        self.fold(1_000, refused)
        self.assertNotIn(7, self.coverage)
        self.fold(2_000, mark(7, connected=True))
        self.fold(3_000, mark(7, connected=False))
        self.fold(4_000, refused)
        self.assertEqual((self.coverage.name(7), self.coverage.covered(7, 3_000, 4_000)), ("node-7", Covered(0, 1_000)))

    def test_the_words_go_from_bad_to_worse(self) -> None:
        self.fold(1_000, mark(1, connected=True), mark(2**32 - 1, connected=True))
        self.fold(2_500, mark(1, lost=3), mark(2**32 - 1, lost=2**64 - 1))
        self.fold(3_500, mark(1, connected=False))
        self.fold(5_000)
        self.assertEqual(
            self.coverage.words(1, 0, 1_000, 5), [None, "complete", "lossy", "disconnected", "disconnected"]
        )
        self.assertEqual(self.coverage.words(1, 0, 5_000, 1), ["disconnected"])
        self.assertEqual(self.coverage.words(2**32 - 1, 0, 5_000, 1), ["lossy"])
        self.assertEqual(self.told()[2**32 - 1]["lost"][0]["events"], 2**64 - 1)

    def test_a_disconnected_node_is_forgotten_with_the_log(self) -> None:
        self.fold(1_000, mark(1, connected=True), mark(2, connected=True))
        self.fold(2_000, mark(1, connected=False))
        self.fold(50_000)
        self.coverage.trim(1_500)
        self.assertEqual(set(self.told()), {1, 2})
        self.coverage.trim(40_000)
        self.assertEqual(set(self.told()), {2})
        self.assertEqual(self.coverage.covered(2, 0, 50_000), Covered(0, 0))
        self.assertIsNone(self.coverage.covered(2, 0, 40_000), "the log has nothing of it")

    def test_forged_ids_drive_out_nodes_that_have_gone_and_no_others(self) -> None:
        self.coverage = Coverage(max_nodes=3)
        for node in (1, 2, 3):
            self.fold(1_000 * node, mark(node, connected=True))
        self.fold(4_000, mark(1, connected=False))
        self.assertFalse(self.coverage.truncated)
        self.fold(5_000, mark(4, connected=True))
        self.assertEqual((set(self.told()), self.coverage.truncated), ({2, 3, 4}, True))
        self.fold(6_000, mark(5, connected=True))
        self.assertEqual(set(self.told()), {2, 3, 4})
        self.fold(70_000)
        self.coverage.trim(60_000)
        self.assertFalse(self.coverage.truncated)

    def test_a_node_that_flaps_takes_a_bounded_place_and_is_never_said_to_be_better_than_it_was(self) -> None:
        self.fold(0, mark(1, connected=True))
        for number in range(3_000):
            self.fold(1_000 + number * 700, mark(1, connected=bool(number % 2), lost=1))
        told = self.told()[1]
        self.assertLess(len(told["disconnected"]), 601)
        self.assertEqual(sum(span["events"] for span in told["lost"]), 3_000)
        for number in range(0, 3_000, 100):
            at_ms = 1_000 + number * 700
            covered = self.coverage.covered(1, at_ms, at_ms + 700)
            self.assertEqual(covered and covered.disconnected_ms, 700)
