"""A keyframe is the state: what is restored from it can't be told from what it was made of."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.state.model import Model
from tests.state.streams import RAFT, Chronicle, Step, steps
from tests.state.test_projection import MAX_AGE_MS, Small, holds, nodes
from tests.stream.made import fsyncs, made, window
from vizd.events.catalogue import KINDS
from vizd.state.keyframe import pieces, restore
from vizd.state.projection import Projection
from vizd.state.view import View


def restored(keyframe: Sequence[bytes], max_keys: int = 10**6, max_bytes: int = 1 << 30) -> Projection:
    """From all its pieces."""
    projection = Small(MAX_AGE_MS, max_keys, max_bytes)
    steps = sum(1 for _ in restore(projection, iter(keyframe)))
    assert steps == len(keyframe) - 1, "the end is no step"
    return projection


def everything(view: View) -> tuple[object, ...]:
    """All that a view knows."""
    rows = [
        ((facet.kind, facet.nodes, facet.shard), fragment, end_ms)
        for part in view.slices()
        for facet, fragment, end_ms in zip(part.facets, part.fragments, part.ends_ms, strict=True)
    ]
    lost = view.truncated, view.lost_forever, view.lost_ms
    return view.position, view.latest_ms, lost, list(view.nodes.items()), dict(view.leads), rows


class RoundTrip(TestCase):
    """State at an instant = a keyframe + the windows from there on."""

    def check(self, given_steps: list[Step], at: int, max_keys: int = 10**6) -> None:
        windows = list(Chronicle().windows(given_steps))
        at = min(at, len(windows))
        model, original = Model(MAX_AGE_MS, max_keys), Small(MAX_AGE_MS, max_keys)
        for each in windows[:at]:
            model.fold(each)
            original.fold(each)
        view = original.view()
        making = pieces(view)
        keyframe = [next(making)]
        for each in windows[at:]:  # It is made while the fold goes on.
            original.fold(each)
            keyframe += [piece for piece in [next(making, None)] if piece]
        keyframe += making
        projection = restored(keyframe, max_keys)
        self.assertEqual(everything(projection.view()), everything(view))
        for each in windows[at:]:
            projection.fold(each)
            model.fold(each)
            self.assertEqual(holds(projection.view()), model.fragments())
            self.assertEqual(nodes(projection.view()), model.nodes)
            self.assertEqual(projection.truncated, model.truncated)
        self.assertEqual(everything(projection.view()), everything(original.view()))

    @given(steps(), st.integers(0, 12))
    def test_of_any_log(self, given_steps: list[Step], at: int) -> None:
        self.check(given_steps, at)

    @given(steps(RAFT, max_size=20), st.integers(0, 20))
    def test_of_terms_and_incarnations(self, given_steps: list[Step], at: int) -> None:
        self.check(given_steps, at)

    @given(steps(max_size=20), st.integers(0, 20), st.integers(0, 6))
    def test_under_a_bound(self, given_steps: list[Step], at: int, max_keys: int) -> None:
        self.check(given_steps, at, max_keys)

    @given(steps(), st.integers(0, 20))
    def test_into_smaller_bounds_comes_what_they_would_have_left(self, given_steps: list[Step], max_keys: int) -> None:
        original = Small(MAX_AGE_MS)
        for each in Chronicle().windows(given_steps):
            original.fold(each)
        held = holds(original.view())
        projection = restored(list(pieces(original.view())), max_keys)
        self.assertEqual(holds(projection.view()), held[:max_keys])
        self.assertEqual(projection.truncated, len(held) > max_keys)
        self.assertEqual(len(restored(list(pieces(original.view())), max_bytes=0)), 0)

    def test_of_a_shard_that_had_no_room_no_term_is_known_either(self) -> None:
        original = Projection(MAX_AGE_MS)
        elections = [made("Raft.LeaderElected", shard=shard, term=9) for shard in (1, 2)]
        original.fold(window(elections))
        projection = restored(list(pieces(original.view())), max_keys=1)
        lower = made("Raft.LeaderElected", shard=1, term=3)
        projection.fold(window([lower], opened_ms=2_000, seq=2))
        self.assertEqual(holds(projection.view()), [lower[1]])

    def test_into_one_with_chunks_of_another_size(self) -> None:
        original = Projection(MAX_AGE_MS)
        original.fold(window([event for node in range(700) for event in fsyncs(1, node)]))
        keyframe = list(pieces(original.view()))
        self.assertEqual(everything(restored(keyframe).view()), everything(original.view()))

    def test_of_nothing(self) -> None:
        keyframe = list(pieces(Projection(MAX_AGE_MS).view()))
        self.assertEqual(restored(keyframe).view().position, Projection(MAX_AGE_MS).view().position)


class Damaged(TestCase):
    """A keyframe that is not as it was made is refused, and the error says where."""

    def setUp(self) -> None:
        projection = Small(MAX_AGE_MS)
        names = [str(kind) for kind in KINDS if kind.key]
        projection.fold(window([made(name) for name in names]))
        self.keyframe = list(pieces(projection.view()))

    def refused(self, keyframe: Sequence[bytes], why: str) -> None:
        with self.assertRaisesRegex(ValueError, why):
            restored(keyframe)

    def test_any_byte(self) -> None:
        for index, piece in enumerate(self.keyframe):
            for at in range(len(piece)):
                damaged = piece[:at] + bytes([piece[at] ^ 0x10]) + piece[at + 1 :]
                self.refused([*self.keyframe[:index], damaged], f"keyframe, piece {index}: ")

    def test_a_piece_cut_short(self) -> None:
        for length in range(len(self.keyframe[1])):
            self.refused([self.keyframe[0], self.keyframe[1][:length]], "keyframe, piece 1: ")

    def test_any_piece_missing_or_at_another_place(self) -> None:
        for index in range(len(self.keyframe)):
            without = self.keyframe[:index] + self.keyframe[index + 1 :]
            self.refused(without, "keyframe: its end is missing|it says that it is piece")
            self.refused([*without, self.keyframe[index]] if without[index:] else [], "it says|its end is missing")

    def test_more_behind_the_end(self) -> None:
        self.refused([*self.keyframe, self.keyframe[-1]], "it comes behind the end")

    def test_another_version(self) -> None:
        self.refused([b"\2" + self.keyframe[0][1:]], "keyframe, piece 0: it is of version 2, this is for version 1")

    def test_it_is_not_put_on_top_of_what_is_there(self) -> None:
        projection = Projection(MAX_AGE_MS)
        projection.fold(window([]))
        with self.assertRaisesRegex(ValueError, "needs a new projection; this one has come to window 1"):
            next(restore(projection, self.keyframe))
