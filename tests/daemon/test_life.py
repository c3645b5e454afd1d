"""Starting, being of use, and stopping."""

import contextlib
import re
import signal
import socket
import threading
from collections.abc import Iterator

import grpc
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon, close_of, hear, hear_events, run_to_end
from tests.events.build import event_of
from tests.stream.made import said
from vizd.config import OPTIONS


def some(count: int, first: int = 0) -> list[dict]:
    """What dashboards should receive."""
    return [
        said("Wal.Fsync", publisher=1, ts=1_000 + number, node=1, seg=3, ms=number)
        for number in range(first, first + count)
    ]


class RunningTests(SynchronousTestCase):
    """While it runs."""

    def setUp(self) -> None:
        self.daemon = Daemon("--coalesce-ms", "10", "--max-clients", "300")
        self.addCleanup(self.daemon.kill)

    def test_what_a_node_publishes_is_seen_in_both_encodings_in_the_history_and_in_the_stats(self) -> None:
        events = [
            *some(100),
            said("Lsm.FlushComplete", publisher=1, owner=7, ts=5, node=2**32 - 1, bytes=2**64 - 1),
            said("Cache", publisher=1, ts=6, name="blöck", hit_ratio=0.5),
            said("Raft.LeaderElected", publisher=1, ts=7, shard=4, term=9, node=2),
        ]
        before = self.daemon.get("/api/stats")[1]
        with contextlib.ExitStack() as stack:
            people = [
                stack.enter_context(self.daemon.watch(query)) for query in ("?json=true", "", "?json=true&types=cache")
            ]
            for ws in people:
                self.assertEqual(hear(ws)["type"], "connected")
            node = self.daemon.publisher()
            stack.callback(node.close)
            node.send([event_of(event) for event in events])
            node.wait_stored()
            self.assertEqual(hear_events(people[0], 103), events)
            self.assertEqual(hear_events(people[1], 103), events)
            self.assertEqual(hear_events(people[2], 1), [events[101]])
            stats = self.daemon.get("/api/stats")[1]
            self.assertEqual(stats["connected_clients"], 3)
            self.assertIn(
                {"node": 1, "name": "one"},
                [{key: each[key] for key in ("node", "name")} for each in stats["publishers"]],
            )
        self.assertEqual(stats["total_events_received"] - before["total_events_received"], 103)
        self.assertGreaterEqual(stats["total_batches_sent"] - before["total_batches_sent"], 3)
        status, history = self.daemon.get("/api/history")
        self.assertEqual(status, 200)
        found = [event for batch in history["batches"] for event in batch["events"]]
        self.assertEqual(found[-103:], events)
        self.assertEqual(history["total_events"], len(found))
        self.assertEqual(self.daemon.get("/api/history?types=cache&nodes=1")[1]["batches"][-1]["events"], [events[101]])

    def test_history_over_the_websocket_is_that_of_http(self) -> None:
        node = self.daemon.publisher(2, "two")
        node.send([event_of(event) for event in some(50)])
        node.wait_stored()
        node.close()
        with self.daemon.watch() as ws:
            hear(ws)
            ws.send('{"type":"history","from_ms":0,"to_ms":18446744073709551615}')
            batches = []
            while (message := hear(ws))["type"] != "history_end":
                if message.get("history"):
                    batches.append(message["data"])
        self.assertEqual(batches, self.daemon.get("/api/history")[1]["batches"][: len(batches)])
        self.assertEqual(message["events"], sum(len(batch["events"]) for batch in batches))

    def test_probes_answer_whatever_the_host(self) -> None:
        for path, status in (("/health", "ok"), ("/ready", "ready")):
            code, body = self.daemon.get(path, Host="probe.example")
            self.assertEqual((code, body["status"]), (200, status))
        self.assertEqual(self.daemon.get("/api/stats", Host="evil.example")[0], 403)

    def test_a_speed_that_is_almost_nothing_and_an_end_of_the_world_do_no_harm(self) -> None:
        with self.daemon.watch() as ws:
            hear(ws)
            ws.send('{"type":"history","from_ms":0,"to_ms":18446744073709551615,"speed":5e-324}')
            ws.send('{"type":"ping"}')
            while hear(ws)["type"] != "pong":
                pass
        self.assert_alive()

    def test_random_bytes_on_both_ports_leave_it_alive(self) -> None:
        noise = [b"\x00" * 1_000, b"\xff" * 70_000, b"\r\n" * 500, b"GET ",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500, b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
                 b"POST /api/stats HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"x" * 200_000]  # fmt: skip
        for port in (self.daemon.http_port, self.daemon.grpc_port):
            for data in noise:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as sock:
                    sock.sendall(data)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65_536):
                        pass
        self.assert_alive()

    def test_two_hundred_connections_opened_and_dropped_leave_it_alive(self) -> None:
        request = b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
        upgrade = (
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        kinds = (
            request % (b"/api/history", b""), request % (b"/ws/events", upgrade), request[:9],
            request % (b"/ws/events", upgrade) + b"\x81", request % (b"/api/stats", b""),
        )  # fmt: skip
        for number in range(200):
            with socket.create_connection(("127.0.0.1", self.daemon.http_port), 5) as sock:
                sock.sendall(kinds[number % len(kinds)])
                if number % 2:  # Half of them with a reset.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.assert_alive()
        self.daemon.wait_for_stats(lambda now: now["connected_clients"] == 0)

    def assert_alive(self) -> None:
        self.assertIsNone(self.daemon.process.poll())
        self.assertEqual(self.daemon.get("/health")[0], 200)
        node = self.daemon.publisher(3, "three")
        node.send([event_of(event) for event in some(1)])
        node.wait_stored()
        node.close()
        self.assertEqual([line for line in self.daemon.lines if "Traceback" in line or "Unhandled" in line], [])


class EndTests(SynchronousTestCase):
    """SIGTERM and Ctrl-C."""

    def end_with(self, number: int) -> None:
        daemon = Daemon("--coalesce-ms", "1000")
        self.addCleanup(daemon.kill)
        with daemon.watch() as ws, daemon.watch("") as other:
            for each in (ws, other):
                hear(each)
            node = daemon.publisher()
            self.addCleanup(node.close)
            node.send([event_of(event) for event in some(10)])
            node.wait_stored()
            # The window of these is open when the signal comes, and has to be closed, sent and acknowledged.
            node.send([event_of(event) for event in some(500, first=10)])
            daemon.wait_for_stats(lambda now: now["total_events_received"] + now["ingest"]["waiting"] >= 510)
            heard: dict[str, object] = {}
            threads = [
                threading.Thread(target=lambda: heard.update(ws=close_of(ws))),
                threading.Thread(target=lambda: heard.update(other=close_of(other))),
                threading.Thread(target=lambda: heard.update(node=node.wait_end())),
            ]
            for thread in threads:
                thread.start()
            self.assertEqual(daemon.end(number), 0)
            for thread in threads:
                thread.join(20)
        for name in ("ws", "other"):
            messages, code, reason = heard[name]
            events = [event for each in messages if each["type"] == "batch" for event in each["data"]["events"]]
            self.assertEqual(events, some(510))
            self.assertEqual((code, "shutting down" in reason), (1001, True))
        self.assertEqual(heard["node"], (510, grpc.StatusCode.UNAVAILABLE))
        self.assertEqual([line for line in daemon.lines if "Traceback" in line or "Unhandled" in line], [])

    def test_sigterm_delivers_what_is_left_and_exits_with_0(self) -> None:
        self.end_with(signal.SIGTERM)

    def test_ctrl_c_delivers_what_is_left_and_exits_with_0(self) -> None:
        self.end_with(signal.SIGINT)

    def test_a_client_with_a_slow_history_does_not_hold_it_up_and_is_told(self) -> None:
        daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(daemon.kill)
        node = daemon.publisher()
        self.addCleanup(node.close)
        for number in range(3):
            node.send([event_of(event) for event in some(1, first=number)])
            node.wait_stored()
        with daemon.watch() as ws:
            hear(ws)
            ws.send('{"type":"history","from_ms":0,"to_ms":18446744073709551615,"speed":0.0001}')
            while not hear(ws).get("history"):
                pass
            daemon.process.send_signal(signal.SIGTERM)
            messages, code, _ = close_of(ws)
        self.assertEqual((messages[-1]["type"], messages[-1]["cancelled"], code), ("history_end", True, 1001))
        self.assertEqual(daemon.wait(), 0)


class StartTests(SynchronousTestCase):
    """What keeps it from starting."""

    @contextlib.contextmanager
    def busy(self) -> Iterator[int]:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            yield sock.getsockname()[1]

    def assert_one_line(self, named: str, *options: str, **extra: str) -> str:
        ended = run_to_end(*options, **extra)
        self.assertEqual(ended.returncode, 1, ended)
        lines = [line for line in (ended.stdout + ended.stderr).splitlines() if "twistd_unix" not in line]
        self.assertEqual(len(lines), 1, lines)
        [said] = lines
        self.assertTrue(said.startswith("vizd: "), said)
        self.assertIn(named, said)
        self.assertIn(said, ended.stderr)
        return said

    def test_a_busy_http_port_is_one_line_that_names_it(self) -> None:
        with self.busy() as port:
            said = self.assert_one_line(f"127.0.0.1:{port}", "--port", str(port), "--grpc-port", "0")
        self.assertIn("HTTP", said)

    def test_a_busy_grpc_port_is_one_line_that_names_it(self) -> None:
        with self.busy() as port:
            said = self.assert_one_line(f"127.0.0.1:{port}", "--port", "0", "--grpc-port", str(port))
        self.assertIn("gRPC", said)

    def test_a_second_daemon_on_the_same_ports_does_not_start(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.kill)
        self.assert_one_line(str(daemon.http_port), "--port", str(daemon.http_port), "--grpc-port", "0")
        self.assert_one_line(str(daemon.grpc_port), "--port", "0", "--grpc-port", str(daemon.grpc_port))
        self.assertEqual(daemon.end(), 0)

    def test_an_interface_that_is_not_this_machines_is_one_line_that_names_it(self) -> None:
        self.assert_one_line("192.0.2.1", "--interface", "192.0.2.1", "--port", "0", "--grpc-port", "0")
        self.assert_one_line(
            "192.0.2.1", "--interface", "192.0.2.1", "--grpc-interface", "127.0.0.1", "--port", "0", "--grpc-port", "0"
        )

    def test_a_wrong_option_or_variable_is_one_line_that_names_it(self) -> None:
        self.assert_one_line("--port: 'x'", "--port", "x")
        self.assert_one_line("VIZD_COALESCE_MS: '5'", VIZD_COALESCE_MS="5")
        self.assert_one_line("--nonsense", "--nonsense")
        self.assert_one_line("--port: 'x'", "--port", "x", "--check")

    def test_check_says_so_and_ends_with_0(self) -> None:
        with self.busy() as port:
            ended = run_to_end("--check", "--port", str(port))
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(ended.stdout, "vizd: the configuration is valid\n")

    def test_help_shows_every_option_with_its_variable(self) -> None:
        ended = run_to_end("--help", COLUMNS="200")
        text = " ".join(ended.stdout.split())
        self.assertEqual(ended.returncode, 0)
        for option in OPTIONS:
            self.assertIn(f"--{option.name}=", text)
            self.assertIn(f"[{option.variable}]", text)

    def test_the_environment_is_read(self) -> None:
        daemon = Daemon(VIZD_INTERFACE="127.0.0.1", VIZD_COALESCE_MS="77")
        self.addCleanup(daemon.kill)
        with daemon.watch() as ws:
            self.assertEqual(hear(ws)["coalesce_ms"], 77)
        daemon.wait_for(r"listening: http://127\.0\.0\.1:\d+ and gRPC on 127\.0\.0\.1:\d+")
        self.assertEqual(daemon.end(), 0)

    def test_one_that_others_can_reach_says_so(self) -> None:
        daemon = Daemon("--interface", "0.0.0.0")
        self.addCleanup(daemon.kill)
        daemon.wait_for("neither a token nor TLS")
        self.assertEqual(daemon.get("/api/stats")[0], 200)
        self.assertEqual(daemon.end(), 0)
        self.assertTrue(any(re.search("listening", line) for line in daemon.lines))
