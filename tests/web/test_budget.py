"""Tests of budgets and of findings as messages, over real sockets, with a clock that is a number."""

import json
import socket
from contextlib import ExitStack
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.threads import blockingCallFromThread, deferToThread
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.stream.made import Made, draft, fsyncs, made
from tests.stream.thin_line import events_of, heats, slots_of, swims
from tests.web.test_websocket import TIMEOUT_S, UPGRADE, Case, hear, read_frame
from vizd.stream.conflated import KEPT_FRAMES
from vizd.web import dashboard as dashboard_module

reactor: Any = installed_reactor
THIN = "?json=true&max_kbps=20"


class BudgetCase(Case):
    """A log, its clients in threads, and time that passes when it is told to."""

    timeout = 60
    max_clients = 250

    def setUp(self) -> None:
        super().setUp()
        self.patch(dashboard_module, "GIVE_UP_AFTER_S", 1e9)  # Minutes pass in which there was no time for a pong.

    def happen(self, *events: Made, pass_ms: int = 50) -> None:
        """A window; from a thread. It is in the log, and so much time has passed."""

        def append() -> None:
            self.clock.advance(pass_ms / 1_000)
            self.log.append(draft(self.log.head.end_ms or 1_000, events, pass_ms))

        blockingCallFromThread(reactor, append)

    def silence(self, seconds: int) -> None:
        for _ in range(seconds):
            self.happen(pass_ms=1_000)

    def until(self, ws: ClientConnection, kind: str) -> list[Any]:
        """What comes up to the next message of this type, and that."""
        heard = [hear(ws)]
        while heard[-1]["type"] != kind:
            heard.append(hear(ws))
        return heard

    def all_now(self, ws: ClientConnection) -> list[Any]:
        """All that has come, which an answer to a ping follows."""
        blockingCallFromThread(reactor, lambda: None)  # Whoever was woken has had a turn.
        ws.send('{"type":"ping"}')
        heard = self.until(ws, "pong")[:-1]
        ws.send('{"type":"ping"}')  # Answers overtake what is not on its way to the socket yet.
        return heard + self.until(ws, "pong")[:-1]


class WrongBudgetTests(BudgetCase):
    """What is no budget."""

    async def test_it_is_a_400_that_names_it_and_says_what_would_be_right(self) -> None:
        for wrong in ("0", "-1", "1e12", "1000000000000", "abc", "", "20.5"):
            with self.assertRaises(InvalidStatus) as raised:
                await self.talk(hear, f"?json=true&max_kbps={wrong}")
            response = raised.exception.response
            self.assertEqual(response.status_code, 400, wrong)
            message = json.loads(response.body)["error"]["message"]
            self.assertTrue(message.startswith("max_kbps: "), message)
            self.assertIn("kilobits a second, a number from 1 to 10000000", message)

    async def test_the_least_and_the_most_are_budgets(self) -> None:
        for right in (1, 10_000_000):
            self.assertEqual((await self.talk(hear, f"?json=true&max_kbps={right}"))["type"], "connected")


class ThinLineTests(BudgetCase):
    """What a client with a budget hears."""

    async def test_a_burst_of_5000_transitions_comes_whole_and_the_rest_when_it_is_paid_for(self) -> None:
        burst = swims(5_000)

        def talk(ws: ClientConnection) -> None:
            hear(ws)
            self.all_now(ws)
            self.happen(*burst, *heats(range(20)))
            [batch] = self.until(ws, "batch")
            self.assertEqual((batch["sent"], batch["of"]), (5_000, 5_020))
            self.assertEqual(batch["data"]["events"], [json.loads(text) for _, text in burst])
            self.silence(100)
            self.assertEqual(slots_of(self.all_now(ws)), [])
            self.happen(*heats(range(10), ts=2))
            self.silence(200)
            heard = self.all_now(ws)
            newest = {each["event"]["data"]["slot"]: each["ts"] for each in events_of(heard)}
            self.assertEqual(newest, {slot: 2 if slot < 10 else 1 for slot in range(20)})

        await self.talk(talk, THIN)

    async def test_it_is_the_same_in_messagepack(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            self.all_now(ws)
            self.happen(*fsyncs(30), *swims(2), made("Raft.VoteReq", term=2**40))
            [batch] = self.until(ws, "batch")
            return batch["sent"], batch["of"], [each["event"]["type"] for each in batch["data"]["events"]]

        for query in (THIN, "?max_kbps=20"):
            self.assertEqual(await self.talk(talk, query), (4, 33, ["Swim", "Swim", "Wal", "Raft"]))

    async def test_200_budgets_at_once_each_get_every_transition_and_nobody_else_misses_anything(self) -> None:
        def run() -> None:
            with ExitStack() as stack:
                whole = stack.enter_context(self.client())
                thin = [stack.enter_context(self.client(f"?json=true&max_kbps={10 + each}")) for each in range(200)]
                for ws in (whole, *thin):
                    hear(ws)
                for turn in range(10):
                    self.happen(*fsyncs(50, first=50 * turn), *swims(1, turn), pass_ms=250)
                numbers: list[int] = []
                while len(numbers) < 500:
                    events = hear(whole)["data"]["events"]
                    numbers += [each["event"]["data"]["kind"]["ms"] for each in events if "Wal" in str(each)]
                self.assertEqual(numbers, list(range(500)))
                for ws in thin:
                    heard: list[Any] = []
                    while sum(each.get("of", 0) for each in heard) < 510:
                        heard += self.until(ws, "batch")
                    transitions = [each["ts"] for each in events_of(heard) if each["event"]["type"] == "Swim"]
                    self.assertEqual(transitions, list(range(1, 11)))

        await deferToThread(run)

    async def test_one_that_stalls_is_told_of_all_transitions_and_counts_and_delays_nobody(self) -> None:
        events, windows = 150, 110  # Some 1.2 MB: more than the kernel's buffers, and more frames than are kept.

        def run() -> None:
            with ExitStack() as stack:
                ours = stack.enter_context(self.client(THIN))
                hear(ours)
                stalled = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S))
                stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
                stalled.sendall(UPGRADE.replace(b"?json=true", THIN.encode()) % self.port)
                received = stack.enter_context(stalled.makefile("rb"))
                while received.readline() != b"\r\n":
                    pass
                read_frame(received)
                for turn in range(windows):
                    self.happen(*swims(events, events * turn), *fsyncs(5))
                    while (batch := self.until(ours, "batch")[-1])["sent"] < events:
                        self.assertLess(batch["sent"], 20, "what was waiting")
                described = blockingCallFromThread(reactor, self.clients.described)
                self.assertGreater(max(each["lag_windows"] for each in described), KEPT_FRAMES)
                times: list[int] = []
                counted = 0
                while counted < windows * (events + 5):
                    message = json.loads(read_frame(received)[1])
                    self.assertIn(message["type"], ("batch", "position"))
                    times += [each["ts"] for each in events_of([message]) if each["event"]["type"] == "Swim"]
                    counted += message.get("of", 0)
                self.assertEqual(times, list(range(1, windows * events + 1)))
                self.assertEqual(counted, windows * (events + 5))

        await deferToThread(run)


class ConversationTests(BudgetCase):
    """What a client with a budget may say: what any other may."""

    async def test_pause_and_resume(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            self.all_now(ws)
            ws.send('{"type":"pause"}')
            self.all_now(ws)
            self.happen(*swims(3), *fsyncs(4))
            self.assertEqual(self.all_now(ws), [])
            ws.send('{"type":"resume"}')
            [gap] = self.until(ws, "gap")
            self.assertEqual((gap["reason"], gap["windows"], gap["events"]), ("paused", 1, 7))
            ws.send('{"type":"pause"}')
            self.all_now(ws)
            self.happen(*swims(2, 3), *fsyncs(5))
            ws.send('{"type":"resume","catch_up":true}')
            [batch] = self.until(ws, "batch")
            self.assertEqual(([each["ts"] for each in batch["data"]["events"]], batch["of"]), ([4, 5], 7))

        await self.talk(talk, THIN)

    async def test_a_filter_holds_from_the_next_batch_on(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            self.all_now(ws)
            ws.send('{"type":"filter","types":["swim"]}')
            self.all_now(ws)
            self.happen(*swims(2), *fsyncs(9))
            [batch] = self.until(ws, "batch")
            self.assertEqual((batch["sent"], batch["of"], batch["data"]["summary"]["wal_count"]), (2, 2, 0))
            ws.send('{"type":"filter","state":true}')
            [state] = self.until(ws, "batch")
            self.assertTrue(state["snapshot"])
            self.assertEqual({each["event"]["type"] for each in state["data"]["events"]}, {"Swim", "Wal"})

        await self.talk(talk, THIN)

    async def test_a_history_has_no_budget_and_live_batches_come_between(self) -> None:
        def talk(ws: ClientConnection) -> None:
            for turn in range(50):
                self.happen(*fsyncs(100, first=100 * turn))
            hear(ws)
            self.all_now(ws)
            ws.send('{"type":"history","from_ms":0,"to_ms":100000000}')
            heard = self.until(ws, "history_end")
            self.assertEqual((heard[-1]["events"], heard[-1]["cancelled"]), (5_000, False))
            past = [each for each in heard if each.get("history") and each["type"] == "batch"]
            self.assertEqual(len(events_of(past)), 5_000)
            self.assertFalse(any("sent" in each or "position" in each for each in past))
            self.happen(*swims(1))
            self.assertEqual(self.until(ws, "batch")[-1]["sent"], 1)

        await self.talk(talk, THIN)

    async def test_the_state_comes_first_and_what_has_no_room_beside_the_stream(self) -> None:
        def talk(ws: ClientConnection) -> None:
            self.assertNotIn("position", hear(ws))
            [first] = self.until(ws, "batch")
            self.assertEqual((first["snapshot"], first["truncated"], "position" in first), (True, True, True))
            self.assertEqual(first["data"]["events"][0]["event"]["type"], "Swim")
            self.silence(120)
            beside = [each for each in self.all_now(ws) if each["type"] == "batch"]
            self.assertEqual({(each["snapshot"], "position" in each) for each in beside}, {(True, False)})
            self.assertEqual(sorted(slots_of([first, *beside])), list(range(200)))

        await deferToThread(self.happen, *heats(range(200)), *swims(1))
        await self.talk(talk, THIN + "&state=true")

    async def test_who_comes_back_gets_the_transitions_since_then_and_then_the_state(self) -> None:
        def run() -> None:
            with self.client(THIN) as ws:
                hear(ws)
                self.all_now(ws)
                self.happen(*swims(1))
                position = self.until(ws, "batch")[-1]["position"]
            for turn in range(30):
                self.happen(*swims(2, 1 + 2 * turn), *fsyncs(10, node=turn % 3))
            with self.client(f"{THIN}&state=true&position={position}") as ws:
                self.assertEqual(hear(ws)["position"], position)
                since, state = self.until(ws, "batch") + self.until(ws, "batch")
                self.assertEqual([each["ts"] for each in since["data"]["events"]], list(range(2, 62)))
                self.assertEqual((since["sent"], since["of"]), (60, 360))
                self.assertEqual((state["snapshot"], state["truncated"]), (True, True))
                self.assertEqual([each["ts"] for each in state["data"]["events"]], [61], "what was sent is owed")
                self.silence(60)
                beside = [each for each in self.all_now(ws) if each["type"] == "batch"]
                self.assertEqual(sum(each["data"]["summary"]["wal_count"] for each in beside), 3)
                self.assertTrue(all(each["snapshot"] for each in beside))

        await deferToThread(run)

    async def test_the_stats_say_what_the_budget_is(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            return blockingCallFromThread(reactor, self.clients.described)

        [described] = await self.talk(talk, "?json=true&max_kbps=150")
        self.assertEqual((described["max_kbps"], described["lag_windows"], described["lag_ms"]), (150, 0, 0))
        [described] = await self.talk(talk)
        self.assertNotIn("max_kbps", described)


class FindingMessageTests(BudgetCase):
    """What is wrong, told to whoever wants to know."""

    async def test_open_ones_come_at_once_and_then_each_change_under_the_same_id(self) -> None:
        def talk(ws: ClientConnection) -> None:
            self.assertEqual(hear(ws)["type"], "connected")
            at_once = hear(ws)
            self.assertEqual((at_once["type"], at_once["rule"], at_once["open"]), ("finding", "node-dead", True))
            self.happen(made("Swim.Confirm", node=3))
            opened = self.until(ws, "finding")[-1]
            self.assertEqual((opened["subject"]["node"], opened["open"], opened["severity"]), (3, True, "critical"))
            self.happen(made("Swim.Alive", node=2), made("Swim.Alive", node=3))
            closed = [self.until(ws, "finding")[-1] for _ in range(2)]
            self.assertEqual({each["id"] for each in closed}, {at_once["id"], opened["id"]})
            self.assertEqual([each["open"] for each in closed], [False, False])

        for query in ("?json=true&findings=true", "?findings=true", THIN + "&findings=true"):
            await deferToThread(self.happen, made("Swim.Confirm", node=2))
            await self.talk(talk, query)

    async def test_without_the_flag_none_comes(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            for node in range(5):
                self.happen(made("Swim.Confirm", node=node))
            self.assertEqual({each["type"] for each in self.all_now(ws)}, {"batch"})

        await self.talk(talk)
        await self.talk(talk, "?json=true&findings=false")

    async def test_what_is_neither_true_nor_false_is_a_400(self) -> None:
        with self.assertRaises(InvalidStatus) as raised:
            await self.talk(hear, "?json=true&findings=maybe")
        self.assertEqual(raised.exception.response.status_code, 400)
        message = json.loads(raised.exception.response.body)["error"]["message"]
        self.assertEqual(message, "findings: 'maybe' is wrong: use true or false")
