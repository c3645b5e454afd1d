"""A chain is an ordered dict that can be read as it was."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.state.model import walked
from tests.stream.made import made
from vizd.log.window import Position
from vizd.state.recency import Chain, entry_bytes
from vizd.state.view import ChainView, View

FACET, _ = made("Wal.Fsync")
KEYS = [b"%d" % number for number in range(12)]


def seen(chain: Chain, seq: int) -> View:
    """A view of this chain alone."""
    return View(Position(seq, 0, seq), False, {}, {}, seq, False, None, (ChainView(*chain.chunks(), None),))


class OfAnyHistory(TestCase):
    @given(st.lists(st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), max_size=8)), st.integers(1, 5))
    def test_it_is_as_it_was_at_every_window(self, history: list[list[tuple[bytes, bool]]], chunk_rows: int) -> None:
        chain = Chain(chunk_rows)
        model: dict[bytes, bytes] = {}
        views: list[tuple[View, list[bytes]]] = []
        for seq, window in enumerate(history, 1):
            for number, (key, is_put) in enumerate(window):
                if is_put:
                    model.pop(key, None)
                    model[key] = b"%d.%d" % (seq, number)
                    chain.put(seq, seq, [key], [FACET], [model[key]])
                elif model:
                    oldest = next(iter(model))
                    self.assertEqual(chain.oldest()[0], oldest)
                    chain.drop(seq, oldest)
                    del model[oldest]
            self.assertEqual(len(chain), len(model))
            self.assertEqual([chain.get(key) for key in KEYS], [model.get(key) for key in KEYS])
            self.assertEqual(chain.memory_bytes, sum(entry_bytes(*item) for item in model.items()))
            views.append((seen(chain, seq), list(reversed(model.values()))))
        for view, expected in views:
            self.assertEqual(walked(view.slices(2)), expected)

    @given(st.lists(st.sampled_from(KEYS), unique=True), st.integers(0, 12), st.integers(1, 5))
    def test_what_is_put_in_front_is_older(self, keys: list[bytes], at: int, chunk_rows: int) -> None:
        chain, expected = Chain(chunk_rows), Chain(chunk_rows)
        for key in keys:
            expected.put(1, 1, [key], [FACET], [key])
        newer, older = keys[at:], keys[:at]
        for key in newer:
            chain.put(1, 1, [key], [FACET], [key])
        older.reverse()
        for part in (older[:2], older[2:]):
            chain.put_older(part, [FACET] * len(part), part, [1] * len(part))
        self.assertEqual(walked(seen(chain, 1).slices()), walked(seen(expected, 1).slices()))
        self.assertEqual([chain.get(key) for key in keys], keys)
        self.assertEqual(chain.memory_bytes, expected.memory_bytes)


class Chunks(TestCase):
    def test_a_key_does_not_come_twice(self) -> None:
        chain = Chain(4)
        chain.put(1, 1, [b"a"], [FACET], [b""])
        with self.assertRaisesRegex(ValueError, "a key comes twice"):
            chain.put_older([b"a"], [FACET], [b""], [1])

    def test_what_changes_rarely_does_not_keep_the_room_of_what_changed_beside_it(self) -> None:
        chain = Chain(64)
        for seq in range(2_000):
            keys = [b"rare %d" % seq, *(b"flood %d" % flood for flood in range(50))]
            chain.put(seq, seq, keys, [FACET] * 51, [b""] * 51)
        chunks, _ = chain.chunks()
        self.assertLess(sum(map(len, chunks)), 2 * len(chain) + 64)
        self.assertLess(len(chunks), 4 * len(chain) / 64)
