"""Tests of ``vizd.state.timeline`` and of the answer that ``vizd.state.chart`` makes of it."""

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows, mark
from tests.stream.made import Made, fsyncs, made
from vizd.log.memory import MemoryLog
from vizd.log.window import END, START, Draft, Mark, Window
from vizd.state.chart import chart
from vizd.state.coverage import Coverage
from vizd.state.histogram import ERROR
from vizd.state.timeline import Timeline

NAMES = ["wal", "compaction", "lsm", "raft", "swim", "shard", "cache", "heat"]
OF_A_NODE = ["node", "name", "fsync_p50", "fsync_p99", "fsync_max", "pressure", "liveness", "coverage"]
SWIM = ("Alive", "Suspect", "Confirm", "Leave")


def nearest_rank(values: list[int], percent: int) -> int:
    return sorted(values)[-(-len(values) * percent // 100) - 1]


@dataclass
class Model:
    """All windows ever made, and the obvious answers; coverage by its own fold, which has a model of its own."""

    coverage: Coverage
    windows: list[Window] = field(default_factory=list)

    def told(self, from_ms: int, to_ms: int) -> list[tuple[Window, dict[str, Any]]]:
        """Every event of the windows that start in a range."""
        inside = [window for window in self.windows if from_ms <= window.start_ms < to_ms]
        return [(window, json.loads(text)) for window in inside for text in window.fragments]

    def has_windows(self, from_ms: int, to_ms: int) -> bool:
        """There is a window that has a part of one of these seconds."""
        begin_ms, end_ms = from_ms // 1_000 * 1_000, -(-to_ms // 1_000) * 1_000
        return any(window.start_ms < end_ms and window.end_ms > begin_ms for window in self.windows)

    def kinds(self, node: int, name: str, kind: str, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
        found = []
        for _, event in self.told(from_ms, to_ms):
            data = event["event"]["data"]
            if event["event"]["type"] == name and data["node"] == node and data["kind"]["kind"] == kind:
                found.append(data["kind"])
        return found

    def liveness(self, node: int, from_ms: int, to_ms: int) -> str | None:
        swim = [
            event["event"]["data"]["kind"].lower()
            for _, event in self.told(0, to_ms)
            if event["event"]["type"] == "Swim" and event["event"]["data"]["node"] == node
        ]
        if swim:
            return str(swim[-1])
        [is_open] = self.coverage.connected(node, to_ms - 1, 1, 1)
        return None if is_open is None else "connected" if is_open else "unknown"


EVENTS = st.lists(
    st.builds(
        lambda node, ms, owner: made("Wal.Fsync", node=node, ms=ms, owner=owner),
        st.integers(1, 3), st.integers(0, 40) | st.integers(0, 32_767), st.none() | st.integers(0, 3),
    )
    | st.builds(
        lambda node, ratio: made("Lsm.WritePressureUpdate", node=node, ratio=ratio),
        st.integers(1, 3), st.sampled_from((0.0, 0.1, 0.9, 1.0, float("nan"), 1e-9)),
    )
    | st.builds(lambda node, kind: made(f"Swim.{kind}", node=node), st.integers(1, 3), st.sampled_from(SWIM))
    | st.sampled_from((made("Cache", name="c"), made("Raft.StepDown", shard=1), made("SlotHeat", node=9))),
    max_size=6,
)  # fmt: skip
MARKS = st.lists(
    st.builds(
        mark, st.integers(1, 3), lost=st.sampled_from((0, 0, 2)), connected=st.sampled_from((None, None, True, False))
    ),
    max_size=2,
)
LOGS = st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 1_500), EVENTS, MARKS), max_size=14)
"""Milliseconds since the window before, length, events, marks."""
RANGE = st.none() | st.integers(0, 40_000) | st.integers(0, 40).map(lambda second: second * 1_000)


class Case(SynchronousTestCase):
    """A timeline and the windows that are folded into it."""

    def setUp(self) -> None:
        self.begin()

    def begin(self, **bounds: int) -> None:
        self.coverage = Coverage()
        self.timeline = Timeline(self.coverage, **bounds)
        self.windows = Windows()
        self.model = Model(self.coverage)

    def fold(self, at_ms: int, *events: Made, marks: tuple[Mark, ...] | list[Mark] = (), length_ms: int = 50) -> None:
        window = self.windows.make(at_ms, events, marks, length_ms)
        self.model.windows.append(window)
        self.coverage.fold(window)
        self.timeline.fold(window)

    def ask(
        self, from_ms: int | None = None, to_ms: int | None = None, step_ms: int | None = None, *nodes: int
    ) -> dict[str, Any]:
        steps = self.timeline.steps(from_ms, to_ms, step_ms)
        answer: dict[str, Any] = json.loads(b"".join(chart(self.timeline, steps, nodes)))
        return answer

    def node(self, number: int, **asked: int) -> dict[str, Any]:
        [found] = [each for each in self.ask(**asked)["nodes"] if each["node"] == number]
        return dict(found)


class ModelTests(Case):
    """The answer says what happened."""

    @settings(deadline=None, max_examples=150)
    @given(LOGS, RANGE, RANGE, st.none() | st.sampled_from((1, 1_000, 3_000, 10_000)), st.integers(0, 14))
    def test_every_value_is_that_of_the_events_of_its_step(
        self,
        log: list[tuple[int, int, list[Made], list[Mark]]],
        from_ms: int | None,
        to_ms: int | None,
        step_ms: int | None,
        asked_at: int,
    ) -> None:
        self.begin()
        at_ms = 0
        for number, (distance_ms, length_ms, events, marks) in enumerate(log):
            at_ms += distance_ms
            self.fold(at_ms, *events, marks=marks, length_ms=length_ms)
            if number == asked_at:  # Whoever asks changes nothing.
                self.ask()
        answer = self.ask(from_ms, to_ms, step_ms)
        self.assertEqual((list(answer), list(answer["counts"])), (["from", "step_ms", "counts", "nodes"], NAMES))
        if not log:
            self.assertEqual((answer["from"], answer["nodes"], answer["counts"]["wal"]), (None, [], []))
            return
        steps = len(answer["counts"]["wal"])
        edges = [answer["from"] + number * answer["step_ms"] for number in range(steps + 1)]
        newest_ms = max(window.end_ms for window in self.model.windows)
        end_ms = newest_ms if to_ms is None else min(to_ms, newest_ms)
        begin_ms = max(from_ms or 0, self.model.windows[0].start_ms)
        if begin_ms < end_ms:
            self.assertTrue(edges[0] <= begin_ms < edges[1] and edges[-2] < end_ms <= edges[-1], edges)
        else:
            self.assertEqual(steps, 0)
        for number in range(steps):
            self.check_counts(answer, number, edges[number], edges[number + 1])
        self.assertEqual([each["node"] for each in answer["nodes"]], sorted(each["node"] for each in answer["nodes"]))
        for node in (1, 2, 3):
            found = [each for each in answer["nodes"] if each["node"] == node]
            for number in range(steps):
                self.check_node(node, found, number, edges[number], edges[number + 1])

    def check_counts(self, answer: dict[str, Any], step: int, from_ms: int, to_ms: int) -> None:
        found = [answer["counts"][name][step] for name in NAMES]
        if not self.model.has_windows(from_ms, to_ms):
            self.assertEqual(found, [None] * 8)
            return
        types = [event["event"]["type"] for _, event in self.model.told(from_ms, to_ms)]
        names = ["Wal", "Compaction", "Lsm", "Raft", "Swim", "Shard", "Cache", "SlotHeat"]
        self.assertEqual(found, [types.count(name) for name in names])

    def check_node(self, node: int, found: list[dict[str, Any]], step: int, from_ms: int, to_ms: int) -> None:
        told = {name: found[0][name][step] if found else None for name in OF_A_NODE[2:]}
        took = [kind["ms"] for kind in self.model.kinds(node, "Wal", "Fsync", from_ms, to_ms)]
        self.assertEqual(told["fsync_max"], max(took, default=None))
        for name, percent in (("fsync_p50", 50), ("fsync_p99", 99)):
            if took:
                right = nearest_rank(took, percent)
                self.assertLessEqual(abs(told[name] - right), right * ERROR)
            else:
                self.assertIsNone(told[name])
        ratios = [kind["ratio"] for kind in self.model.kinds(node, "Lsm", "WritePressureUpdate", from_ms, to_ms)]
        self.assertEqual(told["pressure"], max((each for each in ratios if each is not None), default=None))
        self.assertEqual(told["liveness"], self.model.liveness(node, from_ms, to_ms))
        covered = self.coverage.covered(node, from_ms, to_ms)
        has_windows = self.model.has_windows(from_ms, to_ms)
        self.assertEqual(told["coverage"], covered.word if covered and has_windows else None)


class TimelineTests(Case):
    """What it says, by example."""

    def test_before_the_first_window_everything_is_empty(self) -> None:
        empty = {"from": None, "step_ms": 1_000, "counts": {name: [] for name in NAMES}, "nodes": []}
        self.assertEqual(self.ask(), empty)
        self.assertEqual(self.ask(5, 10**15, 1_000, 1, 2), empty)

    def test_an_answer_reads_as_the_contract_says(self) -> None:
        self.fold(10_000, marks=[mark(1, connected=True)])
        self.fold(11_000, *fsyncs(3, node=1), made("Swim.Alive", node=2))
        self.fold(13_200, made("Lsm.WritePressureUpdate", node=1, ratio=0.9), marks=[mark(1, connected=False)])
        self.assertEqual(
            self.ask(),
            {
                "from": 10_000,
                "step_ms": 1_000,
                "counts": {name: [0, 0, None, 0] for name in NAMES}
                | {"wal": [0, 3, None, 0], "swim": [0, 1, None, 0], "lsm": [0, 0, None, 1]},
                "nodes": [
                    {
                        "node": 1,
                        "name": "node-1",
                        "fsync_p50": [None, 1, None, None],
                        "fsync_p99": [None, 2, None, None],
                        "fsync_max": [None, 2, None, None],
                        "pressure": [None, None, None, 0.9],
                        "liveness": ["connected", "connected", "connected", "unknown"],
                        "coverage": ["complete", "complete", None, "disconnected"],
                    },
                    {
                        "node": 2,
                        "name": None,
                        "fsync_p50": [None] * 4,
                        "fsync_p99": [None] * 4,
                        "fsync_max": [None] * 4,
                        "pressure": [None] * 4,
                        "liveness": [None, "alive", "alive", "alive"],
                        "coverage": [None] * 4,
                    },
                ],
            },
        )
        self.assertEqual(list(self.ask()["nodes"][0]), OF_A_NODE)

    def test_only_nodes_that_are_asked_for_and_known_are_told(self) -> None:
        self.fold(1_000, *(made("Wal.Fsync", node=node) for node in (1, 2, 2**32 - 1)))
        self.assertEqual([each["node"] for each in self.ask()["nodes"]], [1, 2, 2**32 - 1])
        asked = self.ask(None, None, None, 2**32 - 1, 77)
        self.assertEqual(([each["node"] for each in asked["nodes"]], asked["counts"]["wal"]), ([2**32 - 1], [3]))

    def test_a_window_counts_in_the_second_in_which_it_starts(self) -> None:
        self.fold(1_999, *fsyncs(1), length_ms=900)
        self.fold(3_000, *fsyncs(1))
        self.assertEqual(self.ask()["counts"]["wal"], [1, 0, 1])

    def test_a_daemon_that_stood_still_knew_nothing(self) -> None:
        self.fold(1_000, length_ms=50)
        self.fold(2_000, length_ms=60_000)
        self.fold(62_000)
        wal = self.ask()["counts"]["wal"]
        self.assertEqual((wal[:11], set(wal[11:-1]), wal[-1]), ([0] * 11, {None}, 0))

    def test_a_range_outside_of_the_log_is_empty_and_one_beyond_it_is_cut(self) -> None:
        for second in range(100, 110):
            self.fold(second * 1_000, *fsyncs(1))
        for from_ms, to_ms in ((0, 50_000), (200_000, None), (105_000, 105_000), (0, 0)):
            answer = self.ask(from_ms, to_ms)
            self.assertEqual((answer["counts"]["wal"], answer["nodes"]), ([], []), (from_ms, to_ms))
        whole = self.ask(0, 2**64 - 1)
        self.assertEqual((whole["from"], whole["counts"]["wal"]), (100_000, [1] * 10))
        self.assertEqual(self.ask(103_999, 105_001)["counts"]["wal"], [1, 1, 1])

    def test_steps_of_any_size_are_answered(self) -> None:
        for second in range(100, 110):
            self.fold(second * 1_000, *fsyncs(1))
        self.assertEqual(self.ask(step_ms=4_000)["counts"]["wal"], [4, 4, 2])
        huge = self.ask(step_ms=2**64 - 1)
        self.assertEqual((huge["from"], huge["counts"]["wal"]), (0, [10]))

    def test_a_long_time_ago_is_kept_less_finely_and_still_right(self) -> None:
        for second in range(3_000):
            ms = second * 7 % 40
            self.fold(second * 1_000, made("Wal.Fsync", node=1, ms=ms), made("Wal.Fsync", node=1, ms=50))
        answer = self.ask()
        self.assertEqual((answer["step_ms"], set(answer["counts"]["wal"])), (20_000, {40}))
        node = self.node(1)
        self.assertEqual((set(node["fsync_max"]), set(node["fsync_p99"])), ({50}, {49}))
        self.assertTrue(all(abs(p50 - 44) <= 8 for p50 in node["fsync_p50"]), node["fsync_p50"])
        self.assertEqual(self.ask(step_ms=1_000)["step_ms"], 10_000, "raised to what is kept")
        self.assertEqual(self.ask(2_800_000, step_ms=1_000)["counts"]["wal"], [2] * 200)

    def test_what_the_log_let_go_of_is_not_told(self) -> None:
        for second in range(100):
            self.fold(second * 1_000, *fsyncs(1))
        self.timeline.trim(40_500)
        self.coverage.trim(40_500)
        answer = self.ask()
        self.assertEqual((answer["from"], len(answer["counts"]["wal"])), (40_000, 60))
        for second in range(100, 400):
            self.fold(second * 1_000)
        self.timeline.trim(300_000)
        for second in range(400, 410):
            self.fold(second * 1_000)
        self.assertEqual(self.ask()["nodes"], [], "and a node of which there is nothing is forgotten")
        self.fold(410_000, *fsyncs(2))
        self.assertEqual(self.node(1)["fsync_max"][-1], 1)

    def test_what_swim_said_stays_and_who_left_goes(self) -> None:
        self.fold(0, made("Swim.Suspect", node=1), made("Swim.Leave", node=2))
        for second in range(1, 400):
            self.fold(second * 1_000)
            self.timeline.trim(second * 1_000 - 10_000)
        [only] = self.ask()["nodes"]
        self.assertEqual((only["node"], set(only["liveness"])), (1, {"suspect"}))

    def test_a_jump_of_the_clock_is_a_hole(self) -> None:
        self.fold(1_000, *fsyncs(1))
        self.fold(10**12, *fsyncs(1))
        self.assertEqual(self.ask(10**12 - 3_000)["counts"]["wal"], [None, None, None, 1])
        wal = self.ask()["counts"]["wal"]
        self.assertEqual((wal[0], wal[-1], set(wal[1:-1])), (1, 1, {None}))
        self.assertLess(len(wal), 250)


class LogTests(Case):
    """Over the log as it is."""

    def test_a_log_read_again_says_the_same_as_one_that_was_followed(self) -> None:
        log = MemoryLog("test", 3_600_000, 1 << 30)
        followed, again = Timeline(Coverage()), Timeline(Coverage())

        def fold(timeline: Timeline, window: Window) -> None:
            timeline.coverage.fold(window)
            timeline.fold(window)

        log.listen(lambda window: fold(followed, window))
        for number in range(600):
            events = [*fsyncs(number % 7, node=number % 3), made("Swim.Alive", node=number)]
            facets, texts = [facet for facet, _ in events], [text for _, text in events]
            log.append(Draft(50 * number, 50, facets, texts, [mark(number % 3, lost=int(number % 50 == 0))]))
        self.assertGreater(log.tail.seq, 100, "most of it is sealed")
        position = START
        while position != log.head:
            page = self.successResultOf(ensureDeferred(log.read(position, END, lambda _: True)))
            for window in page.windows:
                fold(again, window)
            position = page.position
        self.assertEqual([*chart(again, again.steps())], [*chart(followed, followed.steps())])
        self.assertEqual([*again.coverage.nodes()], [*followed.coverage.nodes()])


class BoundsTests(Case):
    """Forged ids and floods find an end."""

    def test_beyond_so_many_nodes_the_rest_is_left_out_and_that_is_said(self) -> None:
        self.begin(max_nodes=3)
        self.fold(1_000, *(made("Wal.Fsync", node=node) for node in range(1, 6)))
        self.fold(2_000, *(made("Swim.Alive", node=node) for node in range(1, 6)))
        answer = self.ask()
        self.assertEqual([each["node"] for each in answer["nodes"]], [1, 2, 3])
        self.assertEqual((list(answer)[-1], answer["truncated"]), ("truncated", True))
        self.assertEqual(answer["counts"]["wal"], [5, 0], "which are of all nodes")

    def test_who_publishes_drives_out_who_is_only_spoken_of(self) -> None:
        self.begin(max_nodes=3)
        self.fold(1_000, *(made("Wal.Fsync", node=node, ms=5) for node in range(1, 6)))
        for second in (2, 3):
            self.fold(second * 1_000, made("Wal.Fsync", node=9, ms=7), marks=[mark(9, connected=second == 2 or None)])
        self.fold(4_000, *(made("Wal.Fsync", node=node, ms=6) for node in (1, 2, 3, 9)))
        told = {each["node"]: each["fsync_max"] for each in self.ask()["nodes"]}
        self.assertEqual(told[9], [None, None, 7, 6])
        self.assertEqual((len(told), self.timeline.truncated), (3, True))
        for node in set(told) - {9}:
            self.assertEqual(told[node], [5, None, None, 6])

    def test_its_memory_has_a_bound(self) -> None:
        self.begin(max_bytes=60_000)
        values = [made("Wal.Fsync", node=node, ms=1 << bit) for bit in range(15) for node in (1, 2)]
        for second in range(2_000):
            self.fold(second * 1_000, *values)
            self.assertLess(self.timeline.memory_bytes, 60_000 + 130_000)
        self.assertEqual(self.node(1)["fsync_max"][-1], 1 << 14)

    def test_a_long_answer_comes_in_slices_and_folding_goes_on_between_them(self) -> None:
        for second in range(300):
            self.fold(second * 1_000, *(made("Wal.Fsync", node=node, ms=node) for node in range(1, 21)))
        slices = [*chart(self.timeline, self.timeline.steps())]
        self.assertGreater(len(slices), 10)
        between = []
        for text in chart(self.timeline, self.timeline.steps()):
            between.append(text)
            second += 1
            self.fold(second * 1_000, *fsyncs(5, node=second))
        self.assertEqual(b"".join(between), b"".join(slices))

    def test_what_is_no_event_of_ours_stops_nothing(self) -> None:
        facet, text = made("Swim.Alive", node=1)
        self.fold(1_000, (facet, b'{"other":true}'), (facet, text), (made("Wal.Fsync", node=2)[0], b"{}"))
        self.assertEqual(self.node(1)["liveness"], ["alive"])

    def test_pressure_reads_as_the_node_sent_it(self) -> None:
        for second, ratio in enumerate((0.1, 0.9, 1e-10, 3.4028234663852886e38, -1.5)):
            self.fold(second * 1_000, made("Lsm.WritePressureUpdate", node=1, ratio=ratio, owner=3))
        right = [0.1, 0.9, 1e-10, 3.4028235e38, -1.5]
        self.assertEqual(self.node(1)["pressure"], right)
