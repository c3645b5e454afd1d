"""State first, over real sockets: a snapshot and the live events behind it are the state, whatever happens.

A ``Screen`` is a client that shows the newest event of each key by the rules of the contract. What it shows is held
against the log, replayed up to the last position that it took.
"""

import contextlib
import json
import random
import socket
from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.trial.unittest import SynchronousTestCase
from websockets.sync.client import ClientConnection

from tests.log.test_memory import seal_early
from tests.state.model import Model
from tests.stream.conversation import Conversation, append
from tests.stream.made import Made, followed, fsyncs, made, memory_log
from tests.stream.reference import passes
from tests.web import test_websocket
from tests.web.test_instants import HOUR_MS, Recorded
from tests.web.test_websocket import TIMEOUT_S, hear
from vizd.log.keyframe import Keyframe
from vizd.log.segment import Segment
from vizd.log.window import Position
from vizd.state.projection import Projection
from vizd.stream.position import position_from_text, position_to_text

reactor: Any = installed_reactor
EPOCH = b"an epoch"
FOREVER_MS = 10**15
MANY = 12_000
"""Keys, whose state is too much for the buffers of a thin line."""


class Screen:
    """A page of the newest event of each key.

    :ivar snapshots: the messages of each snapshot that has come. :ivar gaps: those that were declared.
    :ivar seq: of the last position taken. :ivar live: events that came live since the last snapshot.
    """

    def __init__(self) -> None:
        self.snapshots: list[list[Any]] = []
        self.gaps: list[Any] = []
        self.seq = -1
        self.live = 0
        self._model = Model(FOREVER_MS)
        self._is_in_snapshot = False

    def take(self, message: Any) -> Any:
        if message["type"] == "gap":
            assert not self._is_in_snapshot, message
            self.gaps.append(message)
        elif message["type"] == "batch" and "history" not in message:
            self._take_batch(message)
        if "position" in message:
            self.seq = position_from_text(EPOCH, message["position"]).seq
        return message

    def _take_batch(self, message: Any) -> None:
        data = message["data"]
        if "snapshot" in message:
            if not self._is_in_snapshot:
                self.snapshots.append([])
                self._model = Model(FOREVER_MS)
                self.live = 0
            self.snapshots[-1].append(message)
            assert data["window_start"] == data["window_end"], data
            self._is_in_snapshot = "position" not in message
        else:
            assert not self._is_in_snapshot, "a live batch in the middle of a snapshot"
            self.live += len(data["events"])
        for event in data["events"]:
            self._model.fold_event(text(event))

    def shown(self) -> list[bytes]:
        return sorted(self._model.fragments())


def text(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def happening(chance: random.Random, number: int) -> list[Made]:
    """What a cluster without restarts may say in one window; at its end something that every filter wants."""
    ts = 1_000 + number
    events = [
        made("Raft.LeaderElected", shard=chance.randrange(4), term=max(1, number // 3 - chance.randrange(4)),
             node=chance.randrange(1, 4), ts=ts),
        made("Swim.Suspect", node=chance.randrange(5), ts=ts),
        made("Shard.Cutover", shard=chance.randrange(4), ts=ts),
        made("Compaction.Start", node=1, level=chance.randrange(7), ts=ts),
        made("Compaction.Progress", node=1, level=chance.randrange(7), pct=50, ts=ts),
        made("Cache", name=chance.choice(['"', "ü", "a/b", ""]), hit_ratio=0.1, ts=ts),
        made("Wal.SegmentRoll", node=1, ts=ts),
        *(made("SlotHeat", node=2, owner=chance.randrange(3), slot=chance.randrange(50), heat=0.25, ts=ts)
          for _ in range(4)),
    ]  # fmt: skip
    return [*chance.sample(events, 6), made("Swim.Alive", node=1, ts=ts)]


class Case(test_websocket.Case):
    """A log with short segments; all that was ever appended is remembered."""

    max_clients = 20
    max_bytes = 1 << 30

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.recorded = self.make_log()
        self.patch(test_websocket, "memory_log", lambda: self.recorded)
        self.chance = random.Random(1)
        super().setUp()

    def make_log(self) -> Recorded:
        return Recorded(HOUR_MS, self.max_bytes)

    # In the reactor.

    def happen(self, windows: int = 1) -> None:
        for _ in range(windows):
            self.recorded.add(happening(self.chance, self.recorded.head.seq))

    def heat(self, keys: int, heat: float = 0.5) -> None:
        """A window with so many keys."""
        self.recorded.add([made("SlotHeat", node=9, slot=slot, heat=heat) for slot in range(keys)])

    async def while_windows_come(self, count: int, client: "Deferred[Any]") -> Any:
        """All the time, until there are so many of them."""

        def append() -> None:
            if self.recorded.head.seq < count:
                self.happen()
            else:
                appending.stop()

        appending = LoopingCall(append)
        appending.start(0.002)
        try:
            return await client
        finally:
            if appending.running:
                appending.stop()

    def replayed(self, seq: int) -> list[bytes]:
        """The state behind a window."""
        model = Model(FOREVER_MS)
        for window in self.recorded.windows[:seq]:
            model.fold(window)
        return model.fragments()

    # In the thread of a client.

    def from_thread(self, do: Any, *arguments: Any) -> Any:
        return blockingCallFromThread(reactor, do, *arguments)

    def watch(self, ws: ClientConnection, screen: Screen, through: int | None = None) -> None:
        """Until it stands behind that window, or where the log ends now."""
        through = self.recorded.head.seq if through is None else through
        while screen.seq < through:
            screen.take(hear(ws))

    def check(self, screen: Screen, **asked: Sequence[Any]) -> None:
        """It shows the state as of the last position that it took, under the filter asked for."""
        everything: dict[str, Any] = {"types": (), "nodes": (), "shards": ()}
        state = [each for each in self.replayed(screen.seq) if passes(json.loads(each), **everything | asked)]
        self.assertEqual(screen.shown(), sorted(state))
        for batches in screen.snapshots:
            self.assertEqual([("position" in each) for each in batches], [False] * (len(batches) - 1) + [True])
            self.assertEqual([each for each in batches if len(each["data"]["events"]) > 1_000], [])
            as_of = position_from_text(EPOCH, batches[-1]["position"])
            self.assertEqual({each["data"]["window_end"] for each in batches}, {as_of.end_ms})

    def check_gap(self, screen: Screen, reason: str) -> None:
        """The last thing but live events was this gap, and then the state."""
        gap = screen.gaps[-1]
        self.assertEqual((gap["type"], gap["reason"]), ("gap", reason))
        self.assertEqual(screen.snapshots[-1][-1]["position"], gap["position"])
        self.check(screen)


class BeginTests(Case):
    """A client that brings no position."""

    async def watched(self, query: str, windows: int, **options: Any) -> tuple[Any, Screen]:
        """What it is told first, and what it shows when so many windows have come, all the time."""

        def run() -> tuple[Any, Screen]:
            with self.client(query, **options) as ws:
                connected = hear(ws)
                screen = Screen()
                self.watch(ws, screen, windows)
                return connected, screen

        answer: tuple[Any, Screen] = await self.while_windows_come(windows, deferToThread(run))
        return answer

    async def test_it_gets_the_state_then_live_without_a_seam_while_windows_come_all_the_time(self) -> None:
        for query in ("?json=true&state=true", "?state=true", "?json=true&state=all", "?json=true&state=true&x=y"):
            head = self.recorded.head.seq
            connected, screen = await self.watched(query, head + 100)
            self.assertNotIn("position", connected)
            self.check(screen)
            self.assertEqual((len(screen.snapshots), screen.gaps), (1 if head else len(screen.snapshots), []))
            self.assertGreater(screen.live, 100)

    async def test_a_large_state_takes_a_while_and_what_comes_meanwhile_follows_it(self) -> None:
        self.heat(MANY)
        _, screen = await self.watched("?json=true&state=all", 200)
        [snapshot] = screen.snapshots
        self.assertEqual(sum(len(each["data"]["events"]) for each in snapshot[: MANY // 1_000]), MANY)
        self.check(screen)

    async def test_under_a_filter_it_is_what_the_filter_lets_pass(self) -> None:
        self.happen(50)
        for query, asked in (
            ("&types=swim,heat", {"types": ["Swim", "SlotHeat"]}),
            ("&shards=1", {"shards": [1]}),
            ("&types=swim,compaction,cache&nodes=1", {"types": ["Swim", "Compaction", "Cache"], "nodes": [1]}),
        ):
            _, screen = await self.watched(f"?json=true&state=true{query}", self.recorded.head.seq + 50)
            self.check(screen, **asked)
            self.assertEqual(len(screen.snapshots), 1)

    async def test_an_empty_state_is_one_position(self) -> None:
        def talk(ws: ClientConnection) -> list[Any]:
            first = [hear(ws), hear(ws)]
            ws.send('{"type":"ping"}')
            return [*first, hear(ws)]

        async def check(query: str) -> None:
            connected, position, pong = await self.talk(talk, query)
            self.assertNotIn("position", connected)
            self.assertEqual(position, {"type": "position", "position": position_to_text(EPOCH, self.recorded.head)})
            self.assertEqual(pong["type"], "pong")

        await check("?json=true&state=true")
        self.recorded.add([made("Wal.SegmentRoll", node=1)])
        await check("?json=true&state=all")
        self.recorded.add(fsyncs(5))
        await check("?state=true&types=raft")

    async def test_without_the_state_it_is_live_from_its_position_on(self) -> None:
        self.happen(20)

        def talk(ws: ClientConnection) -> tuple[Any, Any]:
            connected = hear(ws)
            self.from_thread(self.happen)
            return connected, hear(ws)

        connected, batch = await self.talk(talk, "?json=true&state=false")
        self.assertEqual(position_from_text(EPOCH, connected["position"]).seq, 20)
        self.assertNotIn("snapshot", batch)
        self.assertEqual(list(map(text, batch["data"]["events"])), list(self.recorded.windows[20].fragments))

    async def test_a_position_that_is_good_needs_no_state(self) -> None:
        self.happen(20)
        position = position_to_text(EPOCH, self.recorded.windows[9].position)

        def talk(ws: ClientConnection) -> tuple[Any, Screen]:
            connected, screen = hear(ws), Screen()
            self.watch(ws, screen)
            return connected, screen

        connected, screen = await self.talk(talk, f"?json=true&state=all&position={position}")
        self.assertEqual((connected["position"], screen.snapshots), (position, []))
        self.assertEqual(screen.live, self.recorded.head.total_events - self.recorded.windows[9].position.total_events)


class SizeTests(Case):
    """How much of a large state comes."""

    def fill(self) -> None:
        self.heat(7_000)
        self.recorded.add([
            *(made("Swim.Alive", node=node) for node in range(30)),
            *(made("Lsm.FlushStart", node=node) for node in range(20)),
        ])  # fmt: skip

    def snapshot(self, ws: ClientConnection) -> list[Any]:
        hear(ws)
        messages = [hear(ws)]
        while "position" not in messages[-1]:
            messages.append(hear(ws))
        return messages

    async def test_by_itself_five_thousand_the_newest_of_the_lowest_class_and_it_is_said(self) -> None:
        self.fill()
        messages = await self.talk(self.snapshot, "?json=true&state=true")
        state = [text(event) for each in messages for event in each["data"]["events"]]
        self.assertEqual(state, self.replayed(2)[:5_000])
        self.assertEqual([each.get("truncated") for each in messages], [None] * 4 + [True])
        self.assertEqual([len(each["data"]["events"]) for each in messages], [1_000] * 5)

    async def test_all_is_all(self) -> None:
        self.fill()
        messages = await self.talk(self.snapshot, "?json=true&state=all")
        state = [text(event) for each in messages for event in each["data"]["events"]]
        self.assertEqual(state, self.replayed(2))
        self.assertEqual({each.get("truncated") for each in messages}, {None})
        self.assertEqual([len(each["data"]["events"]) for each in messages], [1_000] * 7 + [50])

    async def test_exactly_five_thousand_are_all(self) -> None:
        self.heat(5_000)
        messages = await self.talk(self.snapshot, "?json=true&state=true")
        self.assertEqual([each.get("truncated") for each in messages], [None] * 5)

    async def test_the_promise_holds_for_the_keys_that_were_sent(self) -> None:
        self.fill()

        def talk(ws: ClientConnection) -> Screen:
            screen = Screen()
            self.watch(ws, screen)
            self.from_thread(self.heat, 7_000, 0.75)
            self.watch(ws, screen)
            return screen

        self.check(await self.talk(talk, "?json=true&state=true"))

    async def test_its_summary_counts_what_is_sent(self) -> None:
        self.fill()
        summary = (await self.talk(self.snapshot, "?json=true&state=true"))[0]["data"]["summary"]
        self.assertEqual((summary["swim_count"], summary["lsm_count"], summary["heat_count"]), (30, 20, 950))

    async def test_messagepack_says_the_same(self) -> None:
        self.fill()
        for state, count in (("true", 5), ("all", 8)):
            as_json, packed = [
                await self.talk(self.snapshot, f"?json={each}&state={state}") for each in ("true", "false")
            ]
            self.assertEqual((len(as_json), as_json), (count, packed))

        def kinds(ws: ClientConnection) -> set[type]:
            return {type(ws.recv(TIMEOUT_S)) for _ in range(6)}

        self.assertEqual(await self.talk(kinds, "?state=true"), {bytes})
        self.assertEqual(await self.talk(kinds, "?json=true&state=true"), {str})


class BoundedTests(Case):
    """A state from which the daemon's own bounds have driven keys out."""

    def setUp(self) -> None:
        self.patch(test_websocket, "followed", self.follow)
        super().setUp()

    def follow(self, log: Recorded) -> Projection:
        projection = Projection(HOUR_MS, max_keys=2_500)
        log.listen(projection.fold)
        return projection

    async def test_it_is_said_in_its_last_message(self) -> None:
        self.heat(3_000)

        def talk(ws: ClientConnection) -> list[Any]:
            hear(ws)
            return [hear(ws) for _ in range(3)]

        messages = await self.talk(talk, "?json=true&state=all")
        self.assertEqual([each.get("truncated") for each in messages], [None, None, True])
        self.assertEqual([len(each["data"]["events"]) for each in messages], [1_000, 1_000, 500])


class DropTests(Case):
    """A thin line."""

    async def test_one_that_drops_in_the_middle_leaves_nothing_behind_and_gets_all_of_it_when_it_comes_back(
        self,
    ) -> None:
        self.heat(MANY)

        def drop() -> list[Any]:
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.connect(("127.0.0.1", self.port))
            with self.client("?json=true&state=all", sock=raw, max_queue=1) as ws:
                heard = [hear(ws), hear(ws)]
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                with contextlib.suppress(OSError):
                    raw.shutdown(socket.SHUT_RDWR)
            return heard

        for _ in range(3):
            connected, first = await deferToThread(drop)
            self.assertEqual(("position" in connected, "position" in first, first["snapshot"]), (False, False, True))
            while len(self.clients):
                await deferLater(reactor, 0)
            self.assertLess(self.clients.traffic().events, 3 * MANY)
            self.happen()

        def come_back(ws: ClientConnection) -> Screen:
            screen = Screen()
            self.watch(ws, screen, 100)
            return screen

        screen = await self.while_windows_come(100, self.talk(come_back, "?json=true&state=all"))
        self.check(screen)
        self.assertEqual((len(screen.snapshots), screen.gaps), (1, []))

    async def test_one_that_is_slow_to_take_it_is_not_slow(self) -> None:
        self.heat(MANY)

        def run() -> Screen:
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.connect(("127.0.0.1", self.port))
            with self.client("?json=true&state=all&max_lag_ms=100", sock=raw, max_queue=1) as ws:
                screen = Screen()
                screen.take(hear(ws))
                screen.take(hear(ws))
                self.from_thread(self.happen, 100)
                self.watch(ws, screen)
            return screen

        screen = await deferToThread(run)
        self.check(screen)
        self.assertEqual((len(screen.snapshots), screen.gaps), (1, []))


class GapTests(Case):
    """After each gap the state again, as of the gap's position."""

    max_bytes = 150_000

    async def follow(self, query: str, cause: Any = None, windows: int = 100) -> Screen:
        """A client to whom something happens, and then live goes on for a while."""

        def talk(ws: ClientConnection) -> Screen:
            screen = Screen()
            screen.take(hear(ws))
            if cause:
                self.watch(ws, screen)
                cause(ws)
            through = self.from_thread(lambda: self.recorded.head.seq) + windows
            self.from_thread(self.begin_appending, through)
            self.watch(ws, screen, through)
            return screen

        screen: Screen = await self.talk(talk, f"?json=true&{query}")
        return screen

    def begin_appending(self, through: int) -> None:
        """A window every other millisecond."""
        if self.recorded.head.seq < through:
            self.happen()
            reactor.callLater(0.002, self.begin_appending, through)

    async def test_slow(self) -> None:
        self.happen(10)
        screen = await self.follow("state=true&max_lag_ms=1000", lambda _: self.from_thread(self.happen, 30))
        self.check_gap(screen, "slow")
        self.assertEqual((len(screen.gaps), len(screen.snapshots)), (1, 2))
        self.assertEqual(screen.gaps[0]["windows"], 30)

    async def test_paused(self) -> None:
        self.happen(10)

        def pause(ws: ClientConnection) -> None:
            ws.send('{"type":"pause"}')
            ws.send('{"type":"ping"}')
            self.assertEqual(hear(ws)["type"], "pong")
            self.from_thread(self.happen, 20)
            ws.send('{"type":"resume"}')

        screen = await self.follow("state=true", pause)
        self.check_gap(screen, "paused")
        self.assertEqual((len(screen.gaps), len(screen.snapshots)), (1, 2))

    async def test_paused_and_trimmed_meanwhile(self) -> None:
        self.happen(10)

        def pause(ws: ClientConnection) -> None:
            ws.send('{"type":"pause"}')
            ws.send('{"type":"ping"}')
            self.assertEqual(hear(ws)["type"], "pong")
            self.from_thread(self.happen, 400)
            ws.send('{"type":"resume","catch_up":true}')

        screen = await self.follow("state=true", pause)
        self.check_gap(screen, "paused")
        self.assertEqual((screen.gaps[0]["windows"] or 0) > 100, True)

    async def test_trimmed(self) -> None:
        self.happen(10)
        position = position_to_text(EPOCH, self.recorded.head)
        self.happen(400)
        self.assertGreater(self.recorded.oldest.seq, 10)
        oldest = position_to_text(EPOCH, self.recorded.oldest)
        screen = await self.follow(f"state=true&position={position}")
        self.check_gap(screen, "trimmed")
        self.assertEqual((screen.gaps[0]["position"], len(screen.snapshots)), (oldest, 1))

    async def test_restart(self) -> None:
        self.happen(50)
        other = position_to_text(b"01234567", self.recorded.head)
        for wrong in ("nonsense", other):
            screen = await self.follow(f"state=all&position={wrong}")
            self.check_gap(screen, "restart")
            self.assertEqual((len(screen.gaps), len(screen.snapshots)), (1, 1))

    async def test_whoever_wants_no_state_gets_none(self) -> None:
        self.happen(10)
        screen = await self.follow("state=false&position=nonsense")
        self.assertEqual(([each["reason"] for each in screen.gaps], screen.snapshots), (["restart"], []))


class Held(Recorded):
    """Its keyframes take until ``hold`` fires."""

    hold: "Deferred[None] | None" = None

    async def keyframe(self, position: Position) -> Keyframe:
        if self.hold is not None:
            await self.hold
        return await super().keyframe(position)


class TrimmedAgainTests(Case):
    """The place of a gap is itself trimmed before its state is made."""

    max_bytes = 150_000

    def make_log(self) -> Recorded:
        self.held = Held(HOUR_MS, self.max_bytes)
        return self.held

    async def test_it_goes_on_at_the_head_behind_another_gap_and_the_state_there(self) -> None:
        self.happen(10)
        position = position_to_text(EPOCH, self.recorded.head)
        self.happen(400)
        self.held.hold = Deferred()

        def talk(ws: ClientConnection) -> Screen:
            screen = Screen()
            hear(ws)
            self.assertEqual(screen.take(hear(ws))["reason"], "trimmed")
            self.from_thread(self.happen, 400)
            self.from_thread(self.let_go)
            self.watch(ws, screen)
            self.from_thread(self.happen, 20)
            self.watch(ws, screen)
            return screen

        screen = await self.talk(talk, f"?json=true&state=true&position={position}")
        self.check_gap(screen, "trimmed")
        self.assertEqual((len(screen.gaps), len(screen.snapshots)), (2, 1))
        self.assertEqual(screen.gaps[1]["from_ms"], self.end_ms(screen.gaps[0]))
        self.assertEqual(position_from_text(EPOCH, screen.gaps[1]["position"]).seq, 810)

    def let_go(self) -> None:
        hold, self.held.hold = self.held.hold, None
        assert hold is not None
        hold.callback(None)

    def end_ms(self, gap: Any) -> int | None:
        return position_from_text(EPOCH, gap["position"]).end_ms


class FilterTests(Case):
    """``filter`` with ``"state":true``."""

    async def test_the_state_under_the_new_filter_then_live_under_it(self) -> None:
        self.happen(50)

        def talk(ws: ClientConnection) -> list[Screen]:
            screens = []
            self.watch(ws, Screen())
            for types in (["Raft", "Swim"], ["SlotHeat", "swim"], []):
                ws.send(json.dumps({"type": "filter", "types": types, "state": True}))
                screen = Screen()
                self.watch(ws, screen)
                self.from_thread(self.happen, 20)
                self.watch(ws, screen)
                screens.append(screen)
            return screens

        for state in ("false", "true", "all"):
            screens = await self.talk(talk, f"?json=true&state={state}")
            for screen, types in zip(screens, (["Raft", "Swim"], ["SlotHeat", "Swim"], []), strict=True):
                self.check(screen, types=types)
                self.assertEqual((len(screen.snapshots), screen.gaps), (1, []))

    async def test_without_it_there_is_none(self) -> None:
        self.happen(50)

        def talk(ws: ClientConnection) -> Screen:
            screen = Screen()
            self.watch(ws, screen)
            ws.send('{"type":"filter","types":["Swim"]}')
            ws.send('{"type":"filter","types":["Swim"],"state":false}')
            ws.send('{"type":"ping"}')
            while hear(ws)["type"] != "pong":
                pass
            self.from_thread(self.happen, 20)
            self.watch(ws, screen)
            return screen

        screen = await self.talk(talk, "?json=true&state=true")
        self.assertEqual(len(screen.snapshots), 1)
        self.assertGreater(screen.live, 0)

    async def test_a_new_filter_in_the_middle_of_a_snapshot_begins_it_again_under_that(self) -> None:
        self.heat(MANY)
        self.happen(30)

        def run() -> tuple[Screen, int]:
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.connect(("127.0.0.1", self.port))
            with self.client("?json=true&state=all", sock=raw, max_queue=1) as ws:
                hear(ws)
                events = len(hear(ws)["data"]["events"])
                ws.send('{"type":"filter","types":["Raft","Swim"]}')
                screen = Screen()
                while events < 10**6:
                    message = hear(ws)
                    if not message["data"]["summary"]["heat_count"]:
                        break
                    events += len(message["data"]["events"])
                screen.take(message)
                self.from_thread(self.happen, 20)
                self.watch(ws, screen)
                return screen, events

        screen, events = await deferToThread(run)
        self.check(screen, types=["Raft", "Swim"])
        self.assertLess(events, MANY)


class AskedForTests(SynchronousTestCase):
    """A state that was asked for, by a client that else wants none, and a gap before it has come."""

    def setUp(self) -> None:
        self.log = memory_log()
        self.projection = followed(self.log)
        append(self.log, 0, 3)
        self.client = Conversation(self.log, projection=self.projection)
        self.client.tell(type="filter", state=True)

    def check(self, reason: str) -> None:
        gap, state = self.client.hear_all()
        self.assertEqual((gap["type"], gap["reason"]), ("gap", reason))
        self.assertEqual((state["snapshot"], state["position"]), (True, gap["position"]))

    def test_it_comes_behind_the_gap(self) -> None:
        self.client.tell(type="pause")
        append(self.log, 3, 3)
        self.client.tell(type="resume")
        self.check("paused")

    def test_it_comes_where_it_can_be_had_if_its_place_is_gone(self) -> None:
        self.client = Later(self.log, projection=self.projection, position=position_to_text(EPOCH, self.log.oldest))
        self.client.tell(type="filter", state=True)
        self.check("trimmed")


class Later(Conversation):
    """One that can't have the state of the past."""

    def state_at(self, position: Position) -> None:
        return None


class HistoryCase(Case):
    """``history`` with ``"state":true``."""

    def history(self, ws: ClientConnection, from_ms: int, to_ms: int) -> list[Any]:
        ws.send(json.dumps({"type": "history", "from_ms": from_ms, "to_ms": to_ms, "state": True}))
        messages = []
        while not messages or messages[-1]["type"] != "history_end":
            message = hear(ws)
            if message.get("history") or message["type"] == "history_end":
                messages.append(message)
        return messages

    def all_of_it(self, ws: ClientConnection) -> list[Any]:
        hear(ws)
        return self.history(ws, 0, 10**15)

    def check_history(self, messages: list[Any], first: int, last: int) -> None:
        """The state in front of window ``first``, then the windows through ``last``."""
        *batches, end = [each for each in messages if each["type"] != "gap"]
        state = [each for each in batches if "snapshot" in each]
        past = batches[len(state) :]
        self.assertEqual([each.get("snapshot") for each in past], [None] * len(past))
        self.assertEqual([each for each in batches if "position" in each], [])
        self.assertEqual(
            sorted(text(e) for each in state for e in each["data"]["events"]), sorted(self.replayed(first - 1))
        )
        self.assertEqual({each["data"]["window_end"] for each in state}, {self.recorded.windows[first - 2].end_ms})
        model = Model(FOREVER_MS)
        for each in batches:
            for event in each["data"]["events"]:
                model.fold_event(text(event))
        self.assertEqual(sorted(model.fragments()), sorted(self.replayed(last)))
        self.assertEqual((end["batches"], end["events"]), (len(past), sum(len(b["data"]["events"]) for b in past)))


class HistoryTests(HistoryCase):
    async def test_the_state_as_of_its_beginning_then_the_range(self) -> None:
        self.happen(100)
        windows = self.recorded.windows

        def talk(ws: ClientConnection) -> list[list[Any]]:
            hear(ws)
            self.from_thread(self.happen)
            return [
                self.history(ws, windows[from_at].start_ms, windows[to_at].start_ms)
                for from_at, to_at in ((10, 20), (37, 98), (98, 99))
            ]

        for query in ("?json=true&state=false", "?state=all"):
            one, two, three = await self.talk(talk, query)
            self.check_history(one, 11, 20)
            self.check_history(two, 38, 98)
            self.check_history(three, 99, 99)

    async def test_as_much_of_the_state_as_the_client_asked_for_when_it_connected(self) -> None:
        self.heat(6_000)
        self.happen(5)
        from_ms = self.recorded.windows[1].start_ms

        def talk(ws: ClientConnection) -> list[Any]:
            hear(ws)
            return [each for each in self.history(ws, from_ms, 10**15) if "snapshot" in each]

        for state, count, is_truncated in (("false", 5_000, True), ("true", 5_000, True), ("all", 6_000, None)):
            messages = await self.talk(talk, f"?json=true&state={state}")
            self.assertEqual(sum(len(each["data"]["events"]) for each in messages), count)
            self.assertEqual(messages[-1].get("truncated"), is_truncated)

    async def test_of_a_range_that_is_yet_to_come_the_state_now(self) -> None:
        self.happen(30)

        def talk(ws: ClientConnection) -> list[Any]:
            self.watch(ws, Screen())
            return self.history(ws, 10**14, 10**15)

        state, end = await self.talk(talk, "?json=true&state=true")
        self.assertEqual((state["snapshot"], "position" in state), (True, False))
        self.assertEqual(list(map(text, state["data"]["events"])), self.replayed(30))
        self.assertEqual((end["batches"], end["events"]), (0, 0))

    async def test_of_the_beginning_of_the_log_there_is_none(self) -> None:
        self.happen(30)
        *batches, end = await self.talk(self.all_of_it, "?json=true&state=false")
        self.assertEqual([each.get("snapshot") for each in batches], [None] * 30)
        self.assertEqual((end["batches"], end["cancelled"]), (30, False))


class TrimmedHistoryTests(HistoryCase):
    max_bytes = 150_000

    async def test_where_that_has_been_trimmed_the_state_as_of_the_oldest(self) -> None:
        self.happen(400)
        oldest = self.recorded.oldest
        self.assertGreater(oldest.seq, 10)
        messages = await self.talk(self.all_of_it, "?json=true&state=false")
        self.assertEqual((messages[0]["type"], messages[0]["reason"]), ("gap", "trimmed"))
        self.check_history(messages, oldest.seq + 1, self.recorded.head.seq)
