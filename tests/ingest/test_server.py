"""The gRPC server as a whole: its port, health, reflection, and its end."""

import socket
import time
from collections.abc import Iterator

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from twisted.trial.unittest import TestCase

from tests.ingest.harness import PATIENCE_S, Daemon, RawNode, ServerTests
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.server import SERVICE, GrpcServer
from vizd.wire.vizd_pb2 import Hello, PublishRequest

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Ports(TestCase):
    def server(self) -> GrpcServer:
        return GrpcServer(Registry(), Inbox(), lambda: 1)

    def started(self, hosts: list[str], port: int = 0) -> int:
        server = self.server()
        port = server.start(hosts, port)
        self.addCleanup(lambda: server.stop(1.0).result(PATIENCE_S))
        return port

    def refused(self, port: int) -> str:
        server = self.server()
        with self.assertRaises(OSError) as raised:
            server.start(["127.0.0.1"], port)
        server._thread.join(PATIENCE_S)
        self.assertFalse(server._thread.is_alive(), "it leaves no thread behind")
        return raised.exception.strerror or ""

    def test_any_free_port_is_had_by_asking_for_0(self) -> None:
        port = self.started(["127.0.0.1"])
        self.assertGreater(port, 0)
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()

    def test_all_hosts_get_the_same_port(self) -> None:
        port = self.started(["127.0.0.1", "127.0.0.2"])
        for host in ("127.0.0.1", "127.0.0.2"):
            socket.create_connection((host, port), timeout=PATIENCE_S).close()

    def test_a_port_that_a_stranger_has_is_refused_in_one_line_that_names_it(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            port = stranger.getsockname()[1]
            self.assertEqual(self.refused(port), f"can't listen on 127.0.0.1:{port} for gRPC: Address already in use")

    def test_a_second_daemon_can_not_have_the_port_of_the_first(self) -> None:
        port = self.started(["127.0.0.1"])
        self.assertEqual(self.refused(port), f"can't listen on 127.0.0.1:{port} for gRPC: Address already in use")

    def test_nobody_can_share_the_port(self) -> None:
        port = self.started(["127.0.0.1"])
        with socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.assertRaises(OSError, stranger.bind, ("127.0.0.1", port))

    def test_a_port_can_be_had_again_after_the_server_has_stopped(self) -> None:
        server = self.server()
        port = server.start(["127.0.0.1"], 0)
        server.stop(1.0).result(PATIENCE_S)
        self.assertEqual(self.started(["127.0.0.1"], port), port)

    def test_a_host_that_is_not_ours_is_refused(self) -> None:
        with self.assertRaises(OSError) as raised:
            self.server().start(["192.0.2.1"], 0)
        self.assertIn("can't listen on 192.0.2.1:0 for gRPC", str(raised.exception))


class Health(ServerTests):
    def check(self, service: str = "") -> int:
        stub = health_pb2_grpc.HealthStub(self.channel())
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S)
        status: int = answer.status
        return status

    def test_the_server_and_its_service_are_serving(self) -> None:
        self.assertEqual((self.check(), self.check(SERVICE)), (SERVING, SERVING))

    def test_no_other_service_is_known(self) -> None:
        with self.assertRaises(grpc.RpcError) as raised:
            self.check("norikv.viz.v1.Other")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_while_draining_nothing_is_serving(self) -> None:
        self.daemon.server.stop_reading().result(PATIENCE_S)
        self.assertEqual((self.check(), self.check(SERVICE)), (NOT_SERVING, NOT_SERVING))


class Reflection(ServerTests):
    def ask(self, **question: str) -> reflection_pb2.ServerReflectionResponse:
        stub = reflection_pb2_grpc.ServerReflectionStub(self.channel())
        asked = iter([reflection_pb2.ServerReflectionRequest(**question)])
        [answer] = stub.ServerReflectionInfo(asked, timeout=PATIENCE_S)
        return answer

    def test_services_are_listed(self) -> None:
        listed = self.ask(list_services="").list_services_response.service
        self.assertEqual(
            {each.name for each in listed},
            {
                SERVICE,
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            },
        )

    def test_the_proto_file_can_be_had_by_the_name_of_the_service(self) -> None:
        answer = self.ask(file_containing_symbol=SERVICE)
        [file] = [
            FileDescriptorProto.FromString(each) for each in answer.file_descriptor_response.file_descriptor_proto
        ]
        self.assertEqual(file.package, "norikv.viz.v1")
        self.assertEqual([method.name for service in file.service for method in service.method], ["Publish"])


class Stopping(ServerTests):
    def stop(self, grace_s: float = 5.0) -> None:
        """In the order of the daemon's drain."""
        self.daemon.drain_by_hand()
        self.daemon.hold()
        self.daemon.server.stop_reading().result(PATIENCE_S)
        self.daemon.tick()
        self.daemon.server.stop(grace_s).result(PATIENCE_S)

    def test_the_last_acks_come_before_the_end(self) -> None:
        nodes = [self.connected(node=number, node_name=f"n{number}") for number in range(1, 4)]
        self.daemon.until(lambda: not self.daemon.inbox.events, "all connects are stored")
        self.daemon.hold()
        for node in nodes:
            node.send(10)
        self.daemon.until(lambda: self.daemon.inbox.events == 30, "all has arrived")
        self.stop()
        for node in nodes:
            self.assertEqual(node.ended(), (grpc.StatusCode.UNAVAILABLE, "the daemon is shutting down"))
            self.assertEqual(node.acks[-1].stored_through, 10)

    def test_a_rejection_is_named_before_the_end(self) -> None:
        node = self.connected()
        self.daemon.until(lambda: not self.daemon.inbox.events, "the connect is stored")
        self.daemon.hold()
        node.send([])
        node.say(b"\x12\x04\x08\x01\x1a\x00")  # Seq 1 with an empty event.
        self.daemon.until(lambda: self.daemon.inbox.events, "it has arrived")
        self.stop()
        self.assertEqual(node.ended()[0], grpc.StatusCode.UNAVAILABLE)
        self.assertEqual([(each.seq, each.field) for ack in node.acks for each in ack.rejected], [(1, "event")])

    def test_nothing_more_is_read_and_streams_stay_open_until_what_was_read_is_stored(self) -> None:
        node = self.connected()
        node.stored_through(node.send(10))
        self.daemon.drain_by_hand()
        self.daemon.server.stop_reading().result(PATIENCE_S)
        node.send(10)
        late = self.node()
        late.say_hello(node=2, node_name="two")
        self.assertEqual(late.ended(), (grpc.StatusCode.UNAVAILABLE, "the daemon is shutting down"))
        self.assertFalse(node.has_answer)
        self.daemon.server.stop(5.0).result(PATIENCE_S)
        self.assertEqual(node.ended()[0], grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(len(self.daemon.fragments), 10)
        self.assertEqual(node.acks[-1].stored_through, 10)

    def test_a_stream_that_waits_for_room_is_ended_too(self) -> None:
        self.daemon.inbox.MAX_EVENTS = 10
        node = self.connected()
        self.daemon.until(lambda: not self.daemon.inbox.events, "the connect is stored")
        self.daemon.hold()
        for _ in range(10):
            node.send(10)
        self.daemon.until(lambda: self.daemon.inbox.is_full, "the inbox is full")
        self.stop()
        self.assertEqual(node.ended()[0], grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(node.acks[-1].stored_through, len(self.daemon.fragments))

    def test_a_stream_that_has_said_no_hello_is_ended_too(self) -> None:
        node = self.node()
        self.connected()  # Served after the other one was.
        self.stop()
        self.assertEqual(node.ended()[0], grpc.StatusCode.UNAVAILABLE)

    def test_whoever_watches_health_does_not_hold_it_up(self) -> None:
        stub = health_pb2_grpc.HealthStub(self.channel())
        watched: Iterator[health_pb2.HealthCheckResponse] = stub.Watch(health_pb2.HealthCheckRequest())
        self.assertEqual(next(watched).status, SERVING)
        node = self.connected()
        started = time.monotonic()
        self.stop(grace_s=10.0)
        self.assertLess(time.monotonic() - started, 5.0)
        self.assertEqual(node.ended()[0], grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(next(watched).status, NOT_SERVING)

    def test_a_node_that_takes_nothing_is_cut_when_the_time_is_over(self) -> None:
        raw = RawNode(self.daemon.port, takes=0)
        self.addCleanup(raw.close)
        raw.say(PublishRequest(hello=Hello(node=1, node_name="one", incarnation=0xA, next_seq=1)))
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True], "it is connected")
        started = time.monotonic()
        self.stop(grace_s=0.5)
        self.assertLess(time.monotonic() - started, 5.0)

    def test_after_the_end_nobody_listens(self) -> None:
        self.connected()
        self.stop()
        self.assertRaises(OSError, socket.create_connection, ("127.0.0.1", self.daemon.port), PATIENCE_S)

    def test_a_daemon_that_nobody_talks_to_stops_at_once(self) -> None:
        daemon = Daemon().start()
        started = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - started, 5.0)
