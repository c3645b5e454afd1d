"""Clients with a budget of a log whose windows come when a test says so, and what they hear."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.conversation import Conversation
from tests.stream.made import Made, draft, followed, made, memory_log
from vizd.log.memory import MemoryLog
from vizd.stream.encoding import JSON
from vizd.stream.frames import Frames
from vizd.stream.snapshot import StateWish
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams

_HEAT, _ = made("SlotHeat")
_SUSPECT, _ = made("Swim.Suspect")


def heats(slots: Any, ts: int = 1) -> list[Made]:
    """Gauges of these keys."""
    text = '{"ts":%d,"node":1,"event":{"type":"SlotHeat","data":{"node":0,"level":0,"slot":%d,"heat":0.5,"k":0}}}'
    return [(_HEAT, (text % (ts, slot)).encode()) for slot in slots]


def swims(count: int, first: int = 0) -> list[Made]:
    """Transitions that can be told apart, by their ``ts``."""
    text = '{"ts":%d,"node":1,"event":{"type":"Swim","data":{"node":0,"kind":"Suspect"}}}'
    return [(_SUSPECT, (text % (number + 1)).encode()) for number in range(first, first + count)]


class StreamCase(SynchronousTestCase):
    """A log whose windows come every 50 ms, and clients of it that have a budget."""

    def setUp(self) -> None:
        self.use(memory_log())

    def use(self, log: MemoryLog) -> None:
        """This log from now on; nobody has connected yet."""
        self.log = log
        self.projection = followed(self.log)
        self.source = Source(self.log, Frames(self.log.epoch), self.projection.view, self.projection.is_newest)
        self.streams = ConflatedStreams(self.source)
        self.now_ms = 0.0
        self.clients: list[Conversation] = []

    def client(self, kbps: int = 20, encoder: Any = JSON, **wish: Any) -> Conversation:
        """One that has joined."""
        wish = {"state": StateWish.NONE, **wish}
        client = Conversation(
            self.log, encoder, projection=self.projection, max_kbps=kbps, streams=self.streams, now_ms=self.now_ms,
            **wish,
        )  # fmt: skip
        client.hear_all()
        self.clients.append(client)
        return client

    def window(self, *events: Made, length_ms: int = 50) -> None:
        """The next one; it ends now."""
        self.log.append(draft(1_000_000 + int(self.now_ms), events, length_ms))
        self.pass_time(length_ms)

    def pass_time(self, ms: float) -> None:
        self.now_ms += ms
        for client in self.clients:
            client.now_ms = self.now_ms

    def silence(self, seconds: int, *clients: Conversation) -> list[list[dict[str, Any]]]:
        """What each hears while there is a window a second, without events."""
        heard: list[list[dict[str, Any]]] = [[] for _ in clients]
        for _ in range(seconds):
            self.window(length_ms=1_000)
            for each, client in zip(heard, clients, strict=True):
                each += client.hear_all()
        return heard


def batches(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in heard if each["type"] == "batch"]


def events_of(heard: list[dict[str, Any]]) -> list[Any]:
    """All events in these, in order."""
    return [event for each in batches(heard) for event in each["data"]["events"]]


def slots_of(heard: list[dict[str, Any]]) -> list[int]:
    """Of the SlotHeats in these."""
    return [each["event"]["data"]["slot"] for each in events_of(heard) if each["event"]["type"] == "SlotHeat"]
