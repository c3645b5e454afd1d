"""Who may call the gRPC port, how often, and how many at once."""

import threading
import time
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from twisted.trial.unittest import TestCase

from tests.channels import let_go
from tests.ingest.harness import PATIENCE_S, PUBLISH, Node, ServerTests, channel_to
from vizd.access.tokens import TokenFile
from vizd.ingest.access import Access, address_of
from vizd.ingest.limits import Limits
from vizd.ingest.reflection import SERVICES as REFLECTION

TOKEN = "right-Token_0123456789"
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
SERVING = health_pb2.HealthCheckResponse.SERVING


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


class Tokens(ServerTests):
    metadata = (bearer(TOKEN),)

    def access(self) -> Access:
        self.path = Path(self.mktemp())
        self.path.write_text(TOKEN)
        self.now_s = 0.0
        return Access(TokenFile(self.path, lambda: self.now_s))

    def refused(self, *metadata: tuple[str, str]) -> str:
        """How a stream that says nothing ends."""
        node = Node(self.daemon.port, metadata)
        self.addCleanup(node.close)
        status, details = node.ended()
        self.assertIs(status, UNAUTHENTICATED)
        return details

    def test_whoever_brings_a_token_publishes(self) -> None:
        node = self.connected()
        node.stored_through(node.send(3))

    def test_whoever_brings_none_is_refused_before_a_word_is_read(self) -> None:
        self.assertIn("authorization: Bearer", self.refused())

    def test_nothing_else_is_a_token(self) -> None:
        for header in ("", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN} x", f"Bearer, {TOKEN}"):
            self.refused(("authorization", header))

    def test_a_token_that_begins_or_ends_right_is_wrong(self) -> None:
        for token in (TOKEN[:-1], TOKEN + "x", "x" + TOKEN, TOKEN.swapcase()):
            self.refused(bearer(token))

    def test_a_token_elsewhere_is_none(self) -> None:
        self.refused(("x-authorization", f"Bearer {TOKEN}"), ("token", TOKEN))

    def test_two_headers_are_none_even_if_one_is_right(self) -> None:
        self.refused(bearer(TOKEN), bearer(TOKEN))
        self.refused(bearer("wrong"), bearer(TOKEN))

    def test_a_refusal_does_not_say_the_token(self) -> None:
        self.assertNotIn("wrong-one", self.refused(bearer("wrong-one")))

    def test_a_refused_node_leaves_nothing_behind(self) -> None:
        node = Node(self.daemon.port)
        self.addCleanup(node.close)
        node.say_hello(node=7, node_name="seven")
        self.assertIs(node.ended()[0], UNAUTHENTICATED)
        self.connected()
        self.daemon.until(lambda: self.daemon.comings_and_goings(1) == [True], "the other one is stored")
        self.assertEqual(self.daemon.comings_and_goings(7), [])

    def test_tokens_change_with_their_file_and_open_streams_stay(self) -> None:
        old = self.connected()
        self.path.write_text("another-one")
        self.now_s += 5
        self.refused(bearer(TOKEN))
        new = Node(self.daemon.port, (bearer("another-one"),))
        self.addCleanup(new.close)
        new.hello(node=2, node_name="two")
        old.stored_through(old.send(1))

    def test_a_file_that_vanishes_locks_nobody_out_and_lets_nobody_in(self) -> None:
        self.path.unlink()
        self.now_s += 5
        self.connected()
        self.refused(bearer("wrong"))

    def test_health_needs_none(self) -> None:
        stub = health_pb2_grpc.HealthStub(self.channel())
        self.assertEqual(stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S).status, SERVING)

    def reflect(self, service: str, *metadata: tuple[str, str]) -> set[str]:
        method = self.channel().stream_stream(
            f"/{service}/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        [answer] = method(asked, metadata=metadata, timeout=PATIENCE_S)
        return {each.name for each in answer.list_services_response.service}

    def test_reflection_old_and_new_needs_one(self) -> None:
        for service in REFLECTION:
            self.assertIn("norikv.viz.v1.VizIngestService", self.reflect(service, bearer(TOKEN)))
            with self.assertRaises(grpc.RpcError) as raised:
                self.reflect(service)
            self.assertIs(raised.exception.code(), UNAUTHENTICATED)

    def test_refusals_are_counted(self) -> None:
        for _ in range(3):
            self.refused(bearer("wrong"))
        self.daemon.until(lambda: self.daemon.refusals == {"grpc_token": 3}, "all are counted")

    def test_wrong_tokens_by_the_thousand_hold_up_nobody(self) -> None:
        calls, at_once = 4_000, 40
        node = self.connected()
        left = threading.Semaphore(at_once)
        channel = channel_to(self.daemon.port)
        self.addCleanup(let_go, channel)
        publish = channel.stream_stream(PUBLISH)
        statuses: list[Any] = []
        slowest_s = 0.0

        def guess() -> None:
            for number in range(calls):
                left.acquire()
                call = publish(iter(()), metadata=(bearer(f"guess-{number}"),), timeout=2 * PATIENCE_S)

                def ended(call: Any = call) -> None:
                    statuses.append(call.code())
                    left.release()

                if not call.add_callback(ended):
                    ended()

        guessing = threading.Thread(target=guess)
        guessing.start()
        while guessing.is_alive():
            began_s = time.monotonic()
            node.stored_through(node.send(1))
            slowest_s = max(slowest_s, time.monotonic() - began_s)
        self.daemon.until(lambda: len(statuses) == calls, "all have ended")
        self.assertEqual(set(statuses), {UNAUTHENTICATED})
        self.daemon.until(lambda: self.daemon.refusals["grpc_token"] == calls, "all are counted")
        self.assertLess(slowest_s, 1.0, "an event of somebody else took longer to be stored")


class Rates(ServerTests):
    def access(self) -> Access:
        return Access(limits=Limits(streams_burst=3, streams_per_s=0.01, side_calls_burst=2, side_calls_per_s=0.01))

    def test_an_address_that_opens_streams_too_fast_is_told_to_wait(self) -> None:
        nodes = [self.connected(node=number, node_name=f"n{number}") for number in range(1, 4)]
        status, details = self.node().ended()
        self.assertIs(status, EXHAUSTED)
        self.assertIn("too many calls from this address", details)
        nodes[0].stored_through(nodes[0].send(1))
        self.daemon.until(lambda: self.daemon.refusals == {"grpc_rate": 1}, "it is counted")

    def test_whoever_asks_for_health_too_often_is_told_to_wait_and_nodes_come_in(self) -> None:
        stub = health_pb2_grpc.HealthStub(self.channel())
        for _ in range(2):
            stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
        with self.assertRaises(grpc.RpcError) as raised:
            stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
        self.assertIs(raised.exception.code(), EXHAUSTED)
        self.connected()


class SideCalls(ServerTests):
    def access(self) -> Access:
        return Access(limits=Limits(side_calls_of_an_address=2))

    def watch(self) -> Any:
        stub = health_pb2_grpc.HealthStub(self.channel())
        return stub.Watch(health_pb2.HealthCheckRequest(), timeout=2 * PATIENCE_S)

    def test_those_who_watch_health_take_no_place_of_a_node(self) -> None:
        watching = [self.watch(), self.watch()]
        for each in watching:
            self.assertEqual(next(each).status, SERVING)
        with self.assertRaises(grpc.RpcError) as raised:
            next(self.watch())
        self.assertIs(raised.exception.code(), EXHAUSTED)
        self.connected()
        self.daemon.until(lambda: self.daemon.refusals == {"grpc_calls": 1}, "it is counted")

    def test_a_place_is_free_when_its_call_has_ended_or_was_cut(self) -> None:
        stub = health_pb2_grpc.HealthStub(self.channel())
        for _ in range(10):
            self.assertEqual(stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S).status, SERVING)
        watching = [self.watch(), self.watch()]
        for each in watching:
            self.assertEqual(next(each).status, SERVING)
            each.cancel()
        self.daemon.until(self.may_watch, "there is a place")

    def may_watch(self) -> bool:
        try:
            return next(self.watch()).status == SERVING
        except grpc.RpcError as error:
            self.assertIs(error.code(), EXHAUSTED)
            return False


class Addresses(TestCase):
    def test_an_address_is_found_in_what_grpc_calls_a_peer(self) -> None:
        for peer, address in (
            ("ipv4:192.0.2.1:4711", "192.0.2.1"),
            ("ipv6:%5B2001:db8::1%5D:4711", "2001:db8::1"),
            ("ipv6:[::1]:4711", "::1"),
            ("unix:", "unix:"),
        ):
            self.assertEqual(address_of(peer), address)
