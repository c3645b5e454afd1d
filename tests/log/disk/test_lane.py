"""Tests of ``vizd.log.disk.lane``."""

import threading

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from vizd.log.disk.lane import Lane


class LaneTests(TestCase):
    def setUp(self) -> None:
        self.lane = Lane("a lane", reactor)
        self.addCleanup(self.lane.stop)

    async def test_jobs_run_in_one_thread_that_is_not_the_reactors_and_their_results_come_in_it(self) -> None:
        first = await self.lane.run(threading.current_thread)
        second = await self.lane.run(threading.current_thread)
        self.assertIs(first, second)
        self.assertEqual(first.name, "a lane")
        self.assertIsNot(first, threading.current_thread())

    async def test_jobs_run_in_the_order_in_which_they_were_given(self) -> None:
        ran: list[int] = []
        last = [self.lane.run(lambda number=number: ran.append(number)) for number in range(100)][-1]
        await last
        self.assertEqual(ran, list(range(100)))

    async def test_what_a_job_raises_comes_out_and_the_next_one_runs(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            await self.lane.run(lambda: 1 // 0)
        self.assertEqual(await self.lane.run(lambda: 7), 7)

    async def test_stopping_waits_for_what_was_given(self) -> None:
        lane = Lane("another", reactor)
        ran: list[int] = []
        done = [lane.run(lambda number=number: ran.append(number)) for number in range(100)]
        lane.stop()
        self.assertEqual(ran, list(range(100)))
        await done[-1]
