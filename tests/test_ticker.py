"""Tests of ``vizd.ticker``."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.drafts import arrival
from tests.stream.made import memory_log
from vizd.ingest.inbox import Inbox
from vizd.log.coalescer import Coalescer
from vizd.log.window import Window
from vizd.ticker import Ticker


class TickerTests(SynchronousTestCase):
    """From the inbox to the log, again and again."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.inbox = Inbox()
        self.log = memory_log()
        self.windows: list[Window] = []
        self.log.listen(self.windows.append)
        self.wall_ms = 1_000_000
        coalescer = Coalescer(self.log, self.wall_ms, 0)
        self.ticker = Ticker(self.inbox, coalescer, 50, self.clock, self.clock.seconds, lambda: self.wall_ms)

    def pass_time(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.wall_ms += 50
            self.clock.advance(0.05)

    def test_what_has_arrived_is_in_the_log_at_the_next_tick(self) -> None:
        self.ticker.startService()
        self.inbox.put(arrival(1))
        self.assertEqual(self.windows, [])
        self.pass_time()
        [window] = self.windows
        self.assertEqual((window.start_ms, window.end_ms, len(window.fragments)), (1_000_000, 1_000_050, 1))

    def test_it_ticks_every_coalesce_ms_until_it_is_stopped(self) -> None:
        self.ticker.startService()
        for number in range(1, 5):
            self.inbox.put(arrival(number))
            self.pass_time()
        self.assertEqual(len(self.windows), 4)
        self.ticker.stopService()
        self.inbox.put(arrival(5))
        self.pass_time(3)
        self.assertEqual((len(self.windows), self.clock.getDelayedCalls()), (4, []))
        self.ticker.tick()
        self.assertEqual(len(self.windows), 5)

    def test_a_failing_tick_is_logged_and_counted_and_the_next_one_ticks(self) -> None:
        self.ticker.startService()

        def fail_once(_: Window) -> None:
            if len(self.windows) == 1:
                raise OSError("the disk is full")

        self.log.listen(fail_once)
        for number in range(1, 4):
            self.inbox.put(arrival(number))
            self.pass_time()
        self.assertEqual((len(self.windows), self.ticker.failures), (3, 1))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_a_last_tick_that_fails_does_not_stop_whoever_calls_it(self) -> None:
        def fail(_: Window) -> None:
            raise OSError("the disk is full")

        self.log.listen(fail)
        self.inbox.put(arrival(1))
        self.ticker.tick()
        self.assertEqual(self.ticker.failures, 1)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_how_late_it_is_can_be_asked(self) -> None:
        self.ticker.startService()
        self.pass_time(3)
        self.assertAlmostEqual(self.ticker.late_s, -0.05)
        self.clock.rightNow += 6
        self.assertAlmostEqual(self.ticker.late_s, 5.95)
        self.clock.advance(0)
        self.assertAlmostEqual(self.ticker.late_s, -0.05)

    def test_a_failing_tick_is_not_a_late_one(self) -> None:
        self.ticker.startService()
        self.log.listen(lambda _: 1 / 0)
        self.pass_time(200)
        self.assertLess(self.ticker.late_s, 0)
        self.assertGreater(self.ticker.failures, 5)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_how_late_ticks_began_and_how_long_they_took_is_counted(self) -> None:
        self.ticker.startService()
        self.pass_time(4)
        self.clock.advance(0.35)
        self.log.listen(lambda _: self.clock.advance(0.02))
        self.inbox.put(arrival(1))
        self.pass_time()
        lateness, durations = dict(self.ticker.lateness.cumulative()), dict(self.ticker.durations.cumulative())
        self.assertEqual((lateness["0.001"], lateness["0.25"], lateness["0.5"], lateness["+Inf"]), (5, 5, 6, 6))
        self.assertEqual((durations["0.01"], durations["0.025"], durations["+Inf"]), (5, 6, 6))
        self.assertAlmostEqual(self.ticker.durations.sum_s, 0.02)
