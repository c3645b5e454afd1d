"""Tests of ``vizd.insight.agenda``."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.insight.agenda import Agenda


@dataclass(eq=False)
class Thing:
    due_ms: int | None = None
    turn: int = 0


class AgendaTests(SynchronousTestCase):
    """What is due comes when it is, once, and in order."""

    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), max_size=40), st.integers(0, 60))
    def test_each_thing_is_due_at_its_earliest_time(self, puts: list[tuple[int, int]], now_ms: int) -> None:
        agenda, things = Agenda[Thing](), [Thing() for _ in range(5)]
        earliest: dict[int, int] = {}
        for number, at_ms in puts:
            agenda.put(things[number], at_ms, len(things))
            earliest[number] = min(at_ms, earliest.get(number, at_ms))
        due = [things.index(each) for each in agenda.take(now_ms)]
        self.assertEqual(sorted(due), sorted(number for number, at_ms in earliest.items() if at_ms <= now_ms))
        self.assertEqual([earliest[number] for number in due], sorted(earliest[number] for number in due))
        self.assertEqual(list(agenda.take(now_ms)), [])
        self.assertEqual(
            [each.due_ms for each in things],
            [None if number in due else earliest.get(number) for number in range(5)],
        )

    def test_what_is_done_with_is_skipped_and_does_not_pile_up(self) -> None:
        agenda = Agenda[Thing]()
        kept = Thing()
        agenda.put(kept, 7, 1)
        for _ in range(10_000):
            thing = Thing()
            agenda.put(thing, 600_000, 1)
            thing.due_ms = None
        self.assertLess(len(agenda), 1_100)
        self.assertEqual(list(agenda.take(10**9)), [kept])

    def test_what_is_due_again_while_it_is_taken_comes_again(self) -> None:
        agenda, thing = Agenda[Thing](), Thing()
        agenda.put(thing, 1, 1)
        taken = 0
        for each in agenda.take(10):
            taken += 1
            if taken < 3:
                agenda.put(each, taken, 1)
        self.assertEqual(taken, 3)
