"""What is shown of windows that wait to be stored, and comes again when they are."""

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import Here
from tests.log.disk.test_restart import Held
from tests.stream.conversation import Conversation, now
from tests.stream.made import draft, followed, fsyncs
from tests.stream.test_audience import Listener
from tests.stream.thin_line import heats, swims
from vizd.log.disk.log import DiskLog
from vizd.stream.audience import Audiences
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frames
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams


def times(messages: list[dict[str, Any]]) -> list[int]:
    """The ``ts`` of all events."""
    return [event["ts"] for each in messages if each["type"] == "batch" for event in each["data"]["events"]]


class ProvisionalCase(SynchronousTestCase):
    """A log whose disk waits until it is let go."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.lane = Held()
        self.log = DiskLog(Path(self.mktemp()), "here", 3_600_000, 1 << 30, self.clock, monotonic=self.clock.seconds)
        self.log._start(self.lane, [Here()])
        self.projection = followed(self.log)
        self.frames = Frames(self.log.epoch)
        self.streams = ConflatedStreams(Source(self.log, self.frames, self.projection.view, self.projection.is_newest))
        self.made = 0

    def tearDown(self) -> None:
        self.store()
        now(self.log.close())

    def store(self) -> None:
        """All that waits."""
        while self.lane.jobs:
            self.lane.go()

    def window(self, seconds: float = 0.5) -> None:
        """One with a transition whose ``ts`` is its number, from 1; so long after it the next may come."""
        self.log.append(draft(1_000_000 + int(self.clock.seconds() * 1000), swims(1, self.made), int(seconds * 1000)))
        self.made += 1
        self.clock.advance(seconds)

    def windows(self, count: int, seconds: float = 0.5) -> None:
        for _ in range(count):
            self.window(seconds)

    def client(self, **wish: Any) -> Conversation:
        return Conversation(self.log, frames=self.frames, streams=self.streams, projection=self.projection, **wish)

    def hear(self, client: Conversation) -> list[dict[str, Any]]:
        client.now_ms = self.clock.seconds() * 1000
        return client.hear_all()


class LiveTests(ProvisionalCase):
    def check(self, client: Conversation) -> None:
        """What was shown comes again, each once, with positions."""
        self.windows(4)
        shown = self.hear(client)
        self.assertEqual(times(shown), [1, 2, 3, 4])
        for each in shown:
            self.assertIs(each["provisional"], True)
            self.assertNotIn("position", each)
        self.window()
        self.assertEqual(times(self.hear(client)), [5], "each is shown once")
        self.assertEqual(self.hear(client), [])
        self.store()
        stored = self.hear(client)
        self.assertEqual(times(stored), [1, 2, 3, 4, 5])
        for each in stored:
            self.assertNotIn("provisional", each)
            self.assertIn("position", each)
        self.window()
        self.assertEqual(self.hear(client), [], "it stalls no more")
        self.store()
        self.assertEqual(times(self.hear(client)), [6])

    def test_what_was_shown_comes_again_with_a_position_when_it_is_stored(self) -> None:
        for encoder in (JSON, MESSAGEPACK):
            self.made = 0
            self.check(self.client(encoder=encoder))

    def test_on_a_thin_line_too(self) -> None:
        client = self.client(max_kbps=1_000)
        self.hear(client)
        self.check(client)

    def test_a_filter_holds(self) -> None:
        client = self.client(by=Filter.of(["Wal"]))
        self.windows(3)
        self.log.append(draft(2_000_000, fsyncs(2, 1, 7)))
        self.assertEqual([each["data"]["summary"]["wal_count"] for each in self.hear(client)], [2])

    def test_who_is_held_is_shown_nothing_and_catches_up_later(self) -> None:
        client = self.client()
        client.tell(type="pause")
        self.windows(4)
        self.assertEqual(self.hear(client), [])
        self.store()
        client.tell(type="resume", catch_up=True)
        self.assertEqual(times(self.hear(client)), [1, 2, 3, 4])

    def test_who_comes_in_the_middle_is_shown_all_that_waits(self) -> None:
        self.windows(4)
        self.assertEqual(times(self.hear(self.client())), [1, 2, 3, 4])

    def test_nobody_was_slow_because_the_disk_was(self) -> None:
        client = self.client(max_lag_ms=2_000)
        self.windows(60, seconds=1.0)
        self.assertEqual(times(self.hear(client)), list(range(1, 61)))
        self.store()
        stored = self.hear(client)
        self.assertEqual({each["type"] for each in stored}, {"batch"})
        self.assertEqual(times(stored), list(range(1, 61)))

    def test_equal_clients_are_shown_one_frame(self) -> None:
        audiences = Audiences()
        early = [Listener(audiences, self.log, frames=self.frames) for _ in range(2)]
        self.assertTrue(all(each.sit_down() for each in early))
        self.windows(4)
        audiences.tell(self.clock.seconds() * 1000)
        self.assertEqual([times(each.heard) for each in early], [[1, 2, 3, 4]] * 2)
        self.assertEqual(len({id(frame) for each in early for frame in each.given}), 1)
        late = Listener(audiences, self.log, frames=self.frames)
        self.assertTrue(late.sit_down())
        self.assertEqual(times(late.alone), [1, 2, 3, 4], "by itself, and then it stands where they do")
        self.window()
        audiences.tell(self.clock.seconds() * 1000)
        self.assertEqual(times(late.heard), [5])
        early[0].session.leave()
        self.assertEqual(self.hear(early[0]), [], "it knows what it was shown")


class ThinTests(ProvisionalCase):
    def test_gauges_are_shown_as_far_as_there_is_room_and_all_are_counted_when_they_are_stored(self) -> None:
        client = self.client(max_kbps=20)
        self.hear(client)
        heard: list[dict[str, Any]] = []
        for number in range(8):
            self.log.append(draft(1_000_000 + 500 * number, heats(range(100)), 500))
            self.clock.advance(0.5)
            heard += self.hear(client)
        self.assertTrue(heard)
        self.assertTrue(all(each["provisional"] for each in heard))
        self.assertLess(sum(each["sent"] for each in heard), 800)
        self.store()
        stored: list[dict[str, Any]] = []
        for _ in range(200):
            self.clock.advance(0.1)
            stored += [each for each in self.hear(client) if each["type"] == "batch"]
        self.assertFalse(any("provisional" in each for each in stored))
        self.assertEqual(sum(each["of"] for each in stored), 800)

    def test_one_that_joins_in_the_middle_is_shown_what_comes_then_and_counts_all(self) -> None:
        self.hear(self.client(max_kbps=1_000))
        self.windows(4)
        late = self.client(max_kbps=1_000)
        self.assertEqual(self.hear(late), [], "what its equals were shown before it came is not said again")
        self.window()
        self.assertEqual(times(self.hear(late)), [5])
        self.store()
        stored = self.hear(late)
        self.assertEqual(sum(each["of"] for each in stored), 5)
