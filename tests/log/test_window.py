"""Windows, positions and gaps."""

import gc
import random
import tracemalloc

from twisted.trial.unittest import TestCase

from tests.log.drafts import draft
from vizd.events.catalogue import KINDS, TYPES
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.log.window import START, Draft, Gap, Mark, Position, Publisher, Window
from vizd.wire.vizd_pb2 import VizEvent

BY_NAME = {str(kind): kind for kind in KINDS}


def window_of(*said: tuple[str, tuple[int, ...], int | None], events_before: int = 0) -> Window:
    """A window of events with these kinds, nodes and shards."""
    facets = Facets()
    column = [facets.of(BY_NAME[name], nodes, shard) for name, nodes, shard in said]
    return Window(1, 0, "here", Draft(0, 50, column, [b"{}"] * len(column), []), events_before)


class WhatAWindowSays(TestCase):
    def test_it_counts_its_events_by_type_in_the_order_of_the_catalogue(self) -> None:
        window = window_of(
            ("Wal.Fsync", (1,), None), ("Swim.Alive", (1,), None), ("Wal.Fsync", (1,), None), ("Wal.SegmentGc", (2,), 1)
        )
        self.assertEqual(window.counts, (3, 0, 0, 0, 1, 0, 0, 0))

    def test_events_of_one_kind_are_counted_too(self) -> None:
        self.assertEqual(window_of(*[("SlotHeat", (1,), 2)] * 5).counts, (0, 0, 0, 0, 0, 0, 0, 5))

    def test_equal_facets_that_are_not_one_object_are_counted_all(self) -> None:
        column = [Facets().of(BY_NAME["Wal.Fsync"], (1,), None) for _ in range(3)]
        window = Window(1, 0, "here", Draft(0, 50, column, [b"{}"] * 3, []), 0)
        self.assertEqual((window.counts[0], window.nodes), (3, {1}))

    def test_its_mask_has_a_bit_for_each_type_that_occurs(self) -> None:
        window = window_of(("Compaction.Start", (1,), None), ("Cache", (1,), None))
        occurring = [each.name for each in TYPES if window.types >> each.index & 1]
        self.assertEqual(occurring, ["Compaction", "Cache"])
        self.assertEqual(window_of().types, 0)

    def test_it_knows_every_node_and_shard_that_a_filter_could_ask_for(self) -> None:
        window = window_of(("Raft.LeaderElected", (3, 7), 5), ("Wal.Fsync", (9,), None), ("Wal.Fsync", (3,), 0))
        self.assertEqual((window.nodes, window.shards), ({3, 7, 9}, {5, None, 0}))

    def test_an_empty_one_has_nothing(self) -> None:
        window = window_of(events_before=12)
        self.assertEqual((sum(window.counts), window.nodes, window.shards), (0, frozenset(), frozenset()))
        self.assertEqual(window.position, Position(1, 12, 50))

    def test_it_lasts_a_millisecond_at_least(self) -> None:
        for length_ms in (-5, 0, 1):
            window = Window(1, 100, "here", draft(100, 1, length_ms), 0)
            self.assertEqual((window.start_ms, window.end_ms), (100, 101))

    def test_its_position_lies_behind_it(self) -> None:
        self.assertEqual(Window(4, 100, "here", draft(100, 3, 50), 10).position, Position(4, 13, 150))

    def test_it_knows_where_the_events_of_each_facet_stand(self) -> None:
        window = window_of(("Wal.Fsync", (1,), None), ("Swim.Alive", (1,), None), ("Wal.Fsync", (1,), None))
        fsync, alive = window.facets[0], window.facets[1]
        self.assertEqual(dict(window.places_by_facet()), {fsync: [0, 2], alive: [1]})
        self.assertIs(window.places_by_facet(), window.places_by_facet(), "found once")

    def test_what_passes_is_picked_in_order_and_tallied_by_type(self) -> None:
        column = [Facets().of(BY_NAME[name], (1,), None) for name in ("Wal.Fsync", "Swim.Alive", "Cache", "Swim.Alive")]
        window = Window(1, 0, "here", Draft(0, 50, column, [b"a", b"b", b"c", b"d"], []), 0)
        for names, picked in (
            ({"Wal.Fsync", "Swim.Alive"}, [b"a", b"b", b"d"]),
            ({"Cache"}, [b"c"]),
            (set[str](), []),
        ):
            verdicts = {facet: str(facet.kind) in names for facet in column}
            self.assertEqual(window.pick(verdicts), (picked, window.tally(verdicts)))
            self.assertEqual(sum(window.tally(verdicts)), len(picked))
        self.assertEqual(window.tally(dict.fromkeys(column, True)), list(window.counts))

    def test_its_repr_says_which_it_is(self) -> None:
        self.assertEqual(repr(Window(4, 100, "here", draft(100, 3, 50), 0)), "<Window 4 [100, 150) 3 events>")


class Memory(TestCase):
    """The log is bounded by what windows say that they take, so this must be near the truth."""

    def measure(self, events: int, publishers: int = 1, shards: int = 1) -> tuple[int, int]:
        """Bytes that windows of decoded events really take, and say that they take.

        :param events: of each publisher in a window.
        """
        chance = random.Random(7)
        facets = Facets()
        nodes = [Publisher(1_000 + number, f"node-{number}", chance.getrandbits(64)) for number in range(publishers)]
        count = max(10, min(300, 6_000 // (events * publishers + 1)))

        def windows() -> list[Window]:
            return [self.window(seq, nodes, events, shards, facets, chance) for seq in range(count)]

        windows()  # So that the shared facets are there.
        gc.collect()
        tracemalloc.start()
        try:
            kept = windows()
            gc.collect()
            taken, _peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return taken, sum(window.memory_bytes for window in kept)

    def window(
        self, seq: int, nodes: list[Publisher], events: int, shards: int, facets: Facets, chance: random.Random
    ) -> Window:
        """As the server and the coalescer would make it."""
        made = Draft(1_764_547_200_000 + 50 * seq, 50, [], [], [])
        for publisher in nodes:
            message = [
                VizEvent(
                    ts_ms=1_764_547_200_000 + chance.randrange(50),
                    owner_shard=chance.randrange(shards) + 1_000,
                    wal={"node": publisher.node, "seg": 31, "fsync": {"ms": chance.randrange(99)}},
                )
                for _ in range(events)
            ]
            decoded = Decoder(publisher.node, facets).decode(message, 1)
            made.facets.extend(decoded.facets)
            made.fragments.extend(decoded.fragments)
            last_seq = 10**6 + seq * events + chance.randrange(10**9)
            made.marks.append(
                Mark(publisher, last_seq - events + 1, last_seq, events=events, skew_ms=chance.randrange(999))
            )
        return Window(seq, made.opened_ms, "here", made, 10**6)

    def test_a_window_takes_little_more_than_it_says(self) -> None:
        for events, publishers, shards in (
            (0, 0, 1),
            (1, 1, 1),
            (5, 1, 5),
            (20, 5, 10),
            (1, 100, 5),
            (0, 50, 1),
            (2_000, 1, 100),
        ):
            taken, said = self.measure(events, publishers, shards)
            self.assertLess(taken, 1.25 * said, f"{events} events of each of {publishers} publishers")

    def test_a_window_does_not_claim_twice_what_it_takes(self) -> None:
        for events, publishers, shards in ((1, 1, 1), (20, 5, 10), (2_000, 1, 100)):
            taken, said = self.measure(events, publishers, shards)
            self.assertLess(said, 2 * taken, f"{events} events of each of {publishers} publishers")


class Gaps(TestCase):
    def test_a_gap_counts_what_lies_between_two_places(self) -> None:
        gap = Gap.between(Position(3, 30, 150), Position(10, 75, 600), 610, "slow")
        self.assertEqual(gap, Gap(150, 610, 7, 45, "slow"))

    def test_between_a_place_and_itself_or_one_in_front_of_it_is_none(self) -> None:
        here = Position(3, 30, 150)
        self.assertIsNone(Gap.between(here, here, 200, "slow"))
        self.assertIsNone(Gap.between(here, START, 200, "slow"))

    def test_from_the_start_there_is_no_time_in_front_of_it(self) -> None:
        self.assertEqual(Gap.between(START, Position(1, 0, 50), None, "trimmed"), Gap(None, None, 1, 0, "trimmed"))
