"""Tests of ``vizd.web.connections``."""

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from vizd.web.connections import Connections


class _Connection:
    """One that is only cut or not."""

    is_cut = False

    def cut(self) -> None:
        self.is_cut = True


class ConnectionsTests(SynchronousTestCase):
    """Who goes when there are too many."""

    def setUp(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.room = 3
        self.connections = Connections(lambda: self.room, self.refusals)
        self.all = [_Connection() for _ in range(5)]

    def add(self, *numbers: int) -> list[bool]:
        return [self.connections.add(self.all[number]) for number in numbers]

    def cut(self) -> list[int]:
        return [number for number, each in enumerate(self.all) if each.is_cut]

    def test_who_has_waited_for_longest_makes_room(self) -> None:
        self.assertEqual(self.add(0, 1, 2, 3), [True] * 4)
        self.assertEqual((self.cut(), len(self.connections), self.refusals["connections"]), ([0], 3, 1))

    def test_who_answers_stays_and_who_has_answered_waits_anew(self) -> None:
        self.add(0, 1, 2)
        self.connections.answers(self.all[0])
        self.add(3)
        self.assertEqual(self.cut(), [1])
        self.connections.waits(self.all[0])
        self.add(4)
        self.assertEqual(self.cut(), [1, 2])

    def test_while_all_answer_a_new_one_finds_no_place(self) -> None:
        self.add(0, 1, 2)
        for each in self.all[:3]:
            self.connections.answers(each)
        self.assertEqual((self.add(3), self.cut(), self.refusals["connections"]), ([False], [], 1))
        self.connections.remove(self.all[1])
        self.assertEqual(self.add(3), [True])

    def test_who_was_cut_is_forgotten_whatever_it_does(self) -> None:
        self.add(0, 1, 2, 3)
        self.connections.answers(self.all[0])
        self.connections.waits(self.all[0])
        self.connections.remove(self.all[0])
        self.assertEqual(len(self.connections), 3)
