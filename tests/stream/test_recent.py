"""Tests of ``vizd.stream.recent``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.stream.recent import Recent


class RecentTests(SynchronousTestCase):
    """What is kept, and for how long."""

    def test_what_was_kept_is_found(self) -> None:
        recent = Recent[str, int | None](2, 100)
        self.assertEqual(recent.keep("a", 1, 10), 1)
        self.assertIsNone(recent.keep("b", None, 10))
        self.assertEqual(("a" in recent, "b" in recent, "c" in recent), (True, True, False))
        self.assertEqual((recent["a"], recent["b"], recent.get("a"), recent.get("c")), (1, None, 1, None))

    def test_what_was_kept_first_goes_first_when_there_are_too_many(self) -> None:
        recent = Recent[str, int](2, 100)
        for key in "abc":
            recent.keep(key, 0, 1)
        self.assertEqual([key for key in "abc" if key in recent], ["b", "c"])

    def test_it_goes_when_it_is_too_much(self) -> None:
        recent = Recent[str, int](10, 100)
        recent.keep("a", 0, 60)
        recent.keep("b", 0, 40)
        self.assertIn("a", recent)
        recent.keep("c", 0, 1)
        self.assertEqual([key for key in "abc" if key in recent], ["b", "c"])

    def test_what_is_larger_than_all_the_room_is_given_back_and_not_kept(self) -> None:
        recent = Recent[str, int](10, 100)
        self.assertEqual(recent.keep("a", 1, 101), 1)
        self.assertNotIn("a", recent)
        recent.keep("b", 2, 100)
        self.assertIn("b", recent)

    @settings(deadline=None)
    @given(st.integers(1, 8), st.integers(0, 50), st.lists(st.integers(0, 30), max_size=40))
    def test_the_newest_that_fit_are_kept(self, max_items: int, max_bytes: int, sizes: list[int]) -> None:
        recent = Recent[int, int](max_items, max_bytes)
        for key, size in enumerate(sizes):
            recent.keep(key, -key, size)
            kept = [each for each in range(key + 1) if each in recent]
            self.assertEqual(kept, list(range(key + 1 - len(kept), key + 1)), "the newest, without a hole")
            self.assertLessEqual(len(kept), max_items)
            self.assertLessEqual(sum(sizes[each] for each in kept), max_bytes)
            self.assertEqual([recent[each] for each in kept], [-each for each in kept])
