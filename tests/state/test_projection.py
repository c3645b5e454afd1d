"""The newest event of each key, at every window of any log."""

from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.state.model import Model, walked
from tests.state.streams import RAFT, Chronicle, Step, sealed, steps
from tests.stream.made import Made, fsyncs, made
from vizd.events.catalogue import KINDS
from vizd.log.window import Draft, Window
from vizd.state import keys
from vizd.state.projection import Projection
from vizd.state.view import Slice, View

MAX_AGE_MS = 3_000
key_of = keys.Keys().of


class Small(Projection):
    """So that a short log comes to its seams."""

    CHUNK_ROWS = 3
    EXPIRED_PER_FOLD = 0


def holds(view: View) -> list[bytes]:
    """All events of a view."""
    return walked(view.slices(2))


def nodes(view: View) -> dict[int, tuple[str, int, bool]]:
    """As the model has them."""
    return {number: (node.name, node.incarnation, node.connected) for number, node in view.nodes.items()}


class Log:
    """Windows one after the other."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.last: Window | None = None

    def add(self, events: Sequence[Made] = (), after_ms: int = 50, length_ms: int = 50) -> list[bytes]:
        """What the projection holds with a window of these, that begins so long after the one before."""
        before = self.last
        start_ms = before.start_ms + after_ms if before else 1_000
        draft = Draft(start_ms, length_ms, [facet for facet, _ in events], [fragment for _, fragment in events], ())
        before_events = before.position.total_events if before else 0
        self.last = Window(before.seq + 1 if before else 1, start_ms, "test", draft, before_events)
        self.projection.fold(self.last)
        return holds(self.projection.view())


class AgainstTheModel(TestCase):
    """What is held at every window is what the model holds, and stays so whatever comes after."""

    def check(self, windows: Sequence[Window], max_keys: int = 10**6) -> None:
        projection, model = Small(MAX_AGE_MS, max_keys), Model(MAX_AGE_MS, max_keys)
        views: list[tuple[View, list[bytes], dict[int, tuple[str, int, bool]], bool]] = []
        walks: list[tuple[Iterator[Slice], list[bytes]]] = []
        for window in windows:
            projection.fold(window)
            model.fold(window)
            view = projection.view()
            self.assertEqual((view.position, view.as_of_ms), (window.position, window.end_ms))
            self.assertEqual((projection.position, projection.as_of_ms), (window.position, window.end_ms))
            self.assertEqual(projection.truncated, model.truncated)
            self.assertLessEqual(len(projection), max_keys)
            views.append((view, model.fragments(), dict(model.nodes), model.truncated))
            walks.append((view.slices(1), []))
            for walk, got in walks:
                part = next(walk, None)
                got += part.fragments if part else []
        for (view, fragments, known, truncated), (walk, got) in zip(views, walks, strict=True):
            self.assertEqual(holds(view), fragments)
            self.assertEqual(got + walked(walk), fragments)
            self.assertEqual((nodes(view), view.truncated), (known, truncated))

    @given(steps())
    def test_of_any_log(self, given_steps: list[Step]) -> None:
        self.check(list(Chronicle().windows(given_steps)))

    @settings(max_examples=300)
    @given(steps(RAFT, max_size=20))
    def test_of_elections_in_a_cluster_whose_nodes_restart(self, given_steps: list[Step]) -> None:
        self.check(list(Chronicle().windows(given_steps)))

    @given(steps(max_size=20), st.integers(0, 6))
    def test_under_a_bound(self, given_steps: list[Step], max_keys: int) -> None:
        self.check(list(Chronicle().windows(given_steps)), max_keys)

    @given(steps())
    def test_of_windows_read_back_from_a_log(self, given_steps: list[Step]) -> None:
        self.check(sealed(list(Chronicle().windows(given_steps))))


class Keys(TestCase):
    """What replaces what."""

    def kept(self, *events: Made) -> list[bytes]:
        return Log(Projection(MAX_AGE_MS)).add(events)

    def test_a_newer_event_of_a_key_replaces_the_older_whatever_its_ts(self) -> None:
        older, newer = made("Wal.Fsync", ts=9, node=1, ms=1), made("Wal.Fsync", ts=1, node=1, ms=2)
        self.assertEqual(self.kept(older, newer), [newer[1]])

    def test_equal_facets_that_are_two_objects_are_one_key(self) -> None:
        (facet, older), (_, newer) = made("Wal.Fsync", node=1, ms=1), made("Wal.Fsync", node=1, ms=2)
        other = type(facet)(facet.kind, facet.nodes, facet.shard)
        self.assertEqual(self.kept((facet, older), (other, older), (facet, newer)), [newer])
        self.assertEqual(self.kept((facet, older), (other, newer)), [newer])

    def test_kinds_of_one_life_replace_each_other(self) -> None:
        done = made("Compaction.Finish", node=1, level=2)
        self.assertEqual(self.kept(made("Compaction.Start", node=1, level=2), done), [done[1]])
        begun = made("Lsm.FlushStart", node=1)
        self.assertEqual(self.kept(begun, made("Lsm.FlushComplete", node=1), begun), [begun[1]])

    def test_an_engines_owner_shard_is_part_of_its_key(self) -> None:
        ours = [made("Wal.Fsync", node=1, owner=shard) for shard in (None, 0, 1)]
        self.assertEqual(len(self.kept(*ours)), 3)

    def test_names_of_caches_are_told_apart_whatever_is_in_them(self) -> None:
        names = ["", "a", 'a","hit_ratio":1', '"name":', '{"name":"b"}', "a/", "\\", '"', "ü", "\n"]
        caches = [made("Cache", name=name, hit_ratio=0.5) for name in names]
        self.assertEqual(self.kept(*caches, *caches), [fragment for _, fragment in reversed(caches)])

    def test_nothing_of_class_log_is_kept(self) -> None:
        self.assertEqual(self.kept(made("Raft.VoteReq", shard=1, term=9), made("Wal.SegmentRoll", node=1)), [])


class Newest(TestCase):
    def is_newest(self, log: Log, *events: Made) -> list[bool]:
        return [log.projection.is_newest(key_of(*event), event[1]) for event in events]

    def test_an_event_is_the_newest_until_another_of_its_key_comes(self) -> None:
        log = Log(Projection(MAX_AGE_MS))
        start, finish = made("Compaction.Start", node=1, level=2), made("Compaction.Finish", node=1, level=2)
        other = made("Compaction.Start", node=1, level=3)
        log.add([start, other])
        self.assertEqual(self.is_newest(log, start, other, finish), [True, True, False])
        log.add([finish])
        self.assertEqual(self.is_newest(log, start, other, finish), [False, True, True])

    def test_one_that_is_driven_out_is_not(self) -> None:
        log = Log(Projection(MAX_AGE_MS, max_keys=1))
        log.add([made("Wal.Fsync", node=1), made("Wal.Fsync", node=2)])
        self.assertEqual(self.is_newest(log, made("Wal.Fsync", node=1), made("Wal.Fsync", node=2)), [False, True])

    def test_all_that_a_view_holds_are(self) -> None:
        log = Log(Small(MAX_AGE_MS))
        for number in range(20):
            log.add([made("SlotHeat", slot=number % 7, ts=number + 1), made("Swim.Alive", node=number % 3)])
        for part in log.projection.view().slices():
            self.assertTrue(all(self.is_newest(log, *zip(part.facets, part.fragments, strict=True))))


class InOrder(TestCase):
    def test_transitions_then_phases_then_gauges_the_newest_first(self) -> None:
        events = [made(name, node=node) for node in (1, 2) for name in ("Wal.Fsync", "Lsm.FlushStart", "Swim.Alive")]
        held = Log(Projection(MAX_AGE_MS)).add(events)
        self.assertEqual(held, [events[at][1] for at in (5, 2, 4, 1, 3, 0)])

    def test_a_window_that_does_not_follow_is_refused(self) -> None:
        log = Log(Projection(MAX_AGE_MS))
        log.add()
        assert log.last is not None
        with self.assertRaisesRegex(ValueError, "window 1 does not follow window 1"):
            log.projection.fold(log.last)

    def test_a_log_that_was_trimmed_is_folded_from_where_it_begins(self) -> None:
        projection = Projection(MAX_AGE_MS)
        projection.fold(Window(41, 5_000, "test", Draft(0, 50, [], [], ()), 900))
        self.assertEqual((projection.position.seq, projection.as_of_ms), (41, 5_050))

    def test_before_the_first_window_there_is_nothing(self) -> None:
        view = Projection(MAX_AGE_MS).view()
        self.assertEqual((holds(view), view.as_of_ms, view.position.seq, view.truncated), ([], None, 0, False))


class Expiry(TestCase):
    def test_a_gauge_goes_when_its_window_ended_longer_ago_than_the_buffer(self) -> None:
        log = Log(Projection(MAX_AGE_MS))
        log.add([made("Wal.Fsync", node=1)])
        self.assertEqual(len(log.add(after_ms=MAX_AGE_MS)), 1)
        self.assertEqual(log.add(after_ms=1), [])
        self.assertFalse(log.projection.truncated)
        self.assertEqual((len(log.projection), log.projection.memory_bytes), (0, 0))

    def test_a_window_that_ends_before_its_predecessor_counts_as_ending_with_it(self) -> None:
        log = Log(Projection(MAX_AGE_MS))
        log.add(length_ms=1_000)
        log.add([made("Wal.Fsync", node=1)], after_ms=1, length_ms=1)
        self.assertEqual(log.projection.as_of_ms, 1_002)
        self.assertEqual(len(log.add(after_ms=MAX_AGE_MS + 949)), 1)
        self.assertEqual(log.add(after_ms=1), [])

    def test_phases_and_transitions_stay(self) -> None:
        log = Log(Projection(MAX_AGE_MS))
        log.add([made("Lsm.FlushStart", node=1), made("Swim.Leave", node=1)])
        self.assertEqual(len(log.add(after_ms=10**9)), 2)

    def test_what_expired_is_not_seen_although_it_is_cleared_away_a_little_at_each_window(self) -> None:
        log = Log(Projection(MAX_AGE_MS))
        log.add([event for node in range(5_000) for event in fsyncs(1, node)])
        self.assertEqual(log.add(after_ms=10**6), [])
        self.assertEqual(len(log.projection), 5_000 - Projection.EXPIRED_PER_FOLD)
        for _ in range(4):
            log.add()
        self.assertEqual(len(log.projection), 0)


class Bounds(TestCase):
    def test_the_oldest_gauges_go_first_then_phases_then_transitions(self) -> None:
        log = Log(Projection(MAX_AGE_MS, max_keys=3))
        gauge, phase, alive, other = (
            made(name, node=node)
            for name, node in (("Wal.Fsync", 1), ("Lsm.L0Stall", 1), ("Swim.Alive", 1), ("Swim.Alive", 2))
        )
        log.add([alive, phase, gauge])
        self.assertFalse(log.projection.truncated)
        self.assertEqual(log.add([other]), [other[1], alive[1], phase[1]])
        self.assertTrue(log.projection.truncated)
        third, fourth = made("Swim.Alive", node=3), made("Swim.Alive", node=4)
        self.assertEqual(log.add([third]), [third[1], other[1], alive[1]])
        self.assertEqual(log.add([gauge, fourth]), [fourth[1], third[1], other[1]])

    def test_a_lost_gauge_is_missed_no_longer_than_it_would_have_stayed(self) -> None:
        log = Log(Projection(MAX_AGE_MS, max_keys=1))
        log.add([made("Wal.Fsync", node=1), made("Wal.Fsync", node=2)])
        log.add(after_ms=MAX_AGE_MS)
        self.assertTrue(log.projection.truncated)
        log.add(after_ms=1)
        self.assertFalse(log.projection.truncated)

    def test_a_lost_transition_is_missed_for_ever(self) -> None:
        log = Log(Projection(MAX_AGE_MS, max_keys=1))
        log.add([made("Swim.Alive", node=1), made("Swim.Alive", node=2)])
        log.add(after_ms=10**6)
        self.assertTrue(log.projection.truncated)

    @given(steps([kind for kind in KINDS if kind not in RAFT], max_size=20), st.integers(0, 5_000))
    def test_in_bytes_what_is_kept_are_the_newest_of_each_class(self, given_steps: list[Step], max_bytes: int) -> None:
        bounded, free = Small(MAX_AGE_MS, max_bytes=max_bytes), Small(MAX_AGE_MS)
        for window in Chronicle().windows(given_steps):
            bounded.fold(window)
            free.fold(window)
            self.assertLessEqual(bounded.memory_bytes, max_bytes)
            kept, all_of_them = holds(bounded.view()), holds(free.view())
            self.assertEqual(len(set(kept) - set(all_of_them)), 0)
            self.assertTrue(bounded.truncated or kept == all_of_them)

    def test_invented_keys_do_not_grow_memory(self) -> None:
        log = Log(Projection(MAX_AGE_MS, max_keys=500))
        facet, _ = made("Cache", name="x")
        text = b'{"ts":1,"node":1,"event":{"type":"Cache","data":{"name":"%d","hit_ratio":0.5}}}'
        first = made("Swim.Alive", node=1)
        log.add([first])
        for number in range(0, 60_000, 2_000):
            held = log.add([(facet, text % each) for each in range(number, number + 2_000)])
            self.assertEqual((len(held), held[0], held[1]), (500, first[1], text % (number + 1_999)))
        rows = sum(len(chunk) for chain in log.projection.view().chains for chunk in chain.chunks)
        self.assertLess(rows, 2 * 500 + 2 * Projection.CHUNK_ROWS)
