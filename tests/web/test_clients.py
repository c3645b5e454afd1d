"""Tests of ``vizd.web.clients``."""

from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.web.sockets import House, Person
from vizd.stream.traffic import Traffic
from vizd.web.admission import Refused
from vizd.web.clients import FAREWELL_TIMEOUT_S


class _Faulty:
    """A client in which everything fails."""

    def __init__(self) -> None:
        self.aborted = 0

    def add_to(self, traffic: Traffic) -> None:
        raise ZeroDivisionError

    def wake(self) -> None:
        raise ZeroDivisionError

    def keep_alive(self, now_s: float) -> None:
        raise ZeroDivisionError

    def abort(self) -> None:
        self.aborted += 1


class RoomTests(SynchronousTestCase):
    """How many."""

    def refusal(self, house: House) -> Refused | None:
        try:
            house.clients.check_room()
        except Refused as why:
            return why
        return None

    def test_no_more_than_there_is_room_for(self) -> None:
        house = House(max_clients=2)
        people = []
        for _ in range(2):
            self.assertIsNone(self.refusal(house))
            people.append(Person(house))
        why = self.refusal(house)
        self.assertEqual((why.status, why.code, why.retry_after_s), (503, "max_clients", 5))
        self.assertIn("--max-clients", why.text)
        people[0].dashboard.gone(1000, "")
        self.assertIsNone(self.refusal(house))

    def test_none_when_it_is_about_to_stop(self) -> None:
        house = House()
        house.clients.accepting = False
        self.assertEqual((self.refusal(house).status, self.refusal(house).code), (503, "draining"))

    def test_one_that_goes_twice_goes_once(self) -> None:
        house = House()
        person = Person(house)
        house.clients.remove(person.dashboard, 1000)
        house.clients.remove(person.dashboard, 1000)
        self.assertEqual((len(house.clients), house.clients.closes), (0, {1000: 1}))


class FaultTests(SynchronousTestCase):
    """A fault in one is that one's."""

    def test_a_client_that_fails_is_cut_and_neither_the_log_nor_the_others_notice(self) -> None:
        house = House()
        faulty = _Faulty()
        house.clients.add(faulty)
        person = Person(house)
        house.append()
        self.assertEqual((person.numbers(), faulty.aborted), ([0], 1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_client_that_fails_does_not_end_the_pings_of_others(self) -> None:
        house = House()
        faulty = _Faulty()
        house.clients.add(faulty)
        person = Person(house)
        house.pass_time(45)
        self.assertEqual(person.socket.did, ["ping", "ping"])
        self.assertGreaterEqual(faulty.aborted, 1)
        self.flushLoggedErrors(ZeroDivisionError)


class DrainTests(SynchronousTestCase):
    """The end."""

    def drain(self, house: House) -> list[Any]:
        done: list[Any] = []
        ensureDeferred(house.clients.drain()).addBoth(done.append)
        return done

    def test_it_is_over_when_all_have_gone(self) -> None:
        house = House()
        people = [Person(house) for _ in range(3)]
        house.append(turn=False)
        done = self.drain(house)
        house.clock.advance(0)
        for person in people:
            self.assertEqual((done, person.numbers(), person.socket.close_codes), ([], [0], [1001]))
            person.dashboard.gone(1001, "")
        self.assertEqual(done, [None])
        house.clients.stopService()
        self.assertEqual(house.clock.getDelayedCalls(), [])

    def test_without_clients_it_is_over_at_once(self) -> None:
        self.assertEqual(self.drain(House()), [None])

    def test_nobody_is_let_in_any_more(self) -> None:
        house = House()
        self.drain(house)
        self.assertRaises(Refused, house.clients.check_room)

    def test_those_that_do_not_go_are_cut(self) -> None:
        house = House()
        polite, stalled, deaf = (Person(house) for _ in range(3))
        stalled.stall()
        house.append()
        done = self.drain(house)
        house.clock.advance(0)
        polite.dashboard.gone(1001, "")
        house.clock.advance(FAREWELL_TIMEOUT_S - 0.01)
        self.assertEqual([person.socket.did.count("abort") for person in (polite, stalled, deaf)], [0, 0, 0])
        house.clock.advance(0.01)
        self.assertEqual([person.socket.did.count("abort") for person in (polite, stalled, deaf)], [0, 1, 1])
        for person in (stalled, deaf):
            person.dashboard.gone(1006, "")
        self.assertEqual(done, [None])

    def test_a_client_that_goes_while_it_is_told_is_no_problem(self) -> None:
        house = House()
        people = [Person(house) for _ in range(3)]
        for person in people:
            person.socket.close = lambda code, reason, person=person: person.dashboard.gone(code, reason)
        done = self.drain(house)
        house.clock.advance(0)
        self.assertEqual((done, house.clients.closes), ([None], {1001: 3}))
