"""Tests of ``vizd.state.copied``: a copy is of one moment, however long it takes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state import copied
from vizd.state.copied import CopiedDict, Entries

KEYS = st.integers(0, 5)
CHANGES = st.lists(
    st.tuples(st.sampled_from(("get", "item", "put", "pop", "del")), KEYS) | st.tuples(st.just("copy"), st.just(0)),
    max_size=40,
)
ENTRY = tuple[int, list[int]]


class CopiedDictTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(copied, "_ROWS", 2)

    def read(self, lists: CopiedDict[int, list[int]], parts: list[Entries]) -> list[tuple[int, list[int]]]:
        return [item for part in parts for item in lists.read(part)]

    @given(CHANGES, st.randoms(use_true_random=False))
    def test_what_changes_meanwhile_is_not_in_it_and_nothing_is_missing(
        self, changes: list[tuple[str, int]], chance: Any
    ) -> None:
        lists: CopiedDict[int, list[int]] = CopiedDict(ENTRY)
        begun: list[tuple[list[tuple[int, list[int]]], Any, list[Entries]]] = []
        for number, (what, key) in enumerate(changes):
            if what == "copy":
                then = [(each, list(value)) for each, value in lists.items()]
                begun.append((then, lists.copied(), []))
            elif what == "put":
                lists[key] = [number]
            elif what == "get" and (value := lists.get(key)) is not None:
                value.append(number)
            elif what == "item" and key in lists:
                lists[key].append(number)
            elif what == "pop":
                lists.pop(key, [0]).append(number)
            elif what == "del" and key in lists:
                del lists[key]
            if begun:
                _, parts, taken = chance.choice(begun)
                taken.extend(part for part in [next(parts, None)] if part)
        for then, parts, taken in begun:
            self.assertEqual(self.read(lists, [*taken, *parts]), then)

    def test_it_comes_in_parts(self) -> None:
        lists: CopiedDict[int, list[int]] = CopiedDict(ENTRY)
        lists.update({number: [] for number in range(5)})
        self.assertEqual([len(part) for part in lists.copied()], [2, 2, 1])

    def test_what_is_no_entry_is_refused(self) -> None:
        texts: CopiedDict[int, str] = CopiedDict(tuple[int, str])
        texts[1] = "one"
        lists: CopiedDict[int, list[int]] = CopiedDict(ENTRY)
        with self.assertRaisesRegex(ValueError, "keyframe: Expected `array`, got `str`"):
            lists.read(next(texts.copied()))
