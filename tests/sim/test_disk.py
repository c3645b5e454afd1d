from twisted.trial.unittest import TestCase

from vizd.sim.disk import Disk
from vizd.sim.timeline import Timeline


class DiskTests(TestCase):
    def test_one_that_ails_grows_slow_stays_so_and_recovers(self) -> None:
        timeline, disk = Timeline(0), Disk()
        disk.ail(timeline, 40, for_ms=15_000)
        course: dict[int, float] = {}
        while timeline.next_due_ms() is not None:
            timeline.make_next_call()
            course[timeline.now_ms] = round(disk.slowness, 3)
        slowness = list(course.values())
        self.assertEqual(slowness[:12], sorted(slowness[:12]))
        self.assertEqual((course[12_000], course[28_000] < 40), (40, True))
        self.assertEqual((slowness[12:], slowness[-1]), (sorted(slowness[12:], reverse=True), 1))
        self.assertEqual(timeline.now_ms, 39_000)
