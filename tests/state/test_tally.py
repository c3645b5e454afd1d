"""Tests of ``vizd.state.tally``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import Made, made
from vizd.state.histogram import ERROR, bin_of
from vizd.state.tally import EXACT_MS, FsyncTally

DURATIONS = st.integers(0, 40) | st.integers(0, 2**32 - 1) | st.sampled_from((9_999, EXACT_MS - 1, EXACT_MS, 2**32 - 1))
OWNERS = st.none() | st.integers(0, 12) | st.just(2**32 - 1)


def tallied(tally: FsyncTally, *events: Made) -> list[bytes]:
    return tally.add([facet for facet, _ in events], [text for _, text in events])


class FsyncTallyTests(SynchronousTestCase):
    """How long fsyncs took, by node."""

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 4), DURATIONS, OWNERS), max_size=50), st.integers(0, 50))
    def test_each_is_counted_under_its_node_in_its_bin(
        self, fsyncs: list[tuple[int, int, int | None]], first: int
    ) -> None:
        events = [made("Wal.Fsync", node=node, ms=ms, seg=ms, owner=owner) for node, ms, owner in fsyncs]
        tally = FsyncTally(lambda node: node)
        tallied(tally, *events[:first])
        tallied(tally, *events[first:])
        taken = tally.take()
        self.assertEqual(set(taken), {node for node, _, _ in fsyncs})
        for node, (bins, longest_ms) in taken.items():
            of_node = [ms for each, ms, _ in fsyncs if each == node]
            self.assertEqual(bins, {bin_of(ms): sum(bin_of(ms) == bin_of(each) for each in of_node) for ms in of_node})
            right = max(of_node)
            self.assertLessEqual(abs(longest_ms - right), right * ERROR if right >= EXACT_MS else 0)
        self.assertEqual(tally.take(), {})

    def test_swim_and_pressure_are_given_back_in_order_and_the_rest_is_not_looked_at(self) -> None:
        events = [
            made("Swim.Alive", node=3),
            made("Wal.Fsync", node=2, ms=7),
            made("Wal.SegmentRoll", node=2, bytes=7),
            made("Lsm.WritePressureUpdate", node=2, ratio=0.5, owner=9),
            made("Lsm.L0Stall", node=2),
            made("Cache", name='"ms":5}}}}'),
            made("Swim.Leave", node=4),
        ]
        tally = FsyncTally(lambda node: node)
        self.assertEqual(tallied(tally, *events), [events[0][1], events[3][1], events[6][1]])
        self.assertEqual(tally.take(), {2: ({7: 1}, 7)})

    def test_a_node_without_an_index_is_not_counted_until_it_has_one(self) -> None:
        indexes: dict[int, int] = {}
        tally = FsyncTally(indexes.get)
        tallied(tally, made("Wal.Fsync", node=5, ms=1))
        indexes[5] = 77
        tallied(tally, made("Wal.Fsync", node=5, ms=2))
        self.assertEqual(tally.take(), {77: ({2: 1}, 2)})
        indexes[5] = 78
        tally.forget()
        tallied(tally, made("Wal.Fsync", node=5, ms=3))
        self.assertEqual(tally.take(), {78: ({3: 1}, 3)})

    def test_a_fragment_that_says_no_duration_is_no_fsync(self) -> None:
        facet, text = made("Wal.Fsync", node=1, ms=5)
        tally = FsyncTally(lambda node: node)
        tally.add([facet] * 4, [b"", b"}}}}", text.replace(b'"ms":5', b'"ms":null'), text])
        self.assertEqual(tally.take(), {1: ({5: 1}, 5)})
