"""The house is as it is drawn: which room may know which, and what the pure rooms never see."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import TestCase

import vizd

HOUSE = Path(vizd.__file__).parent

MAY_IMPORT = {
    "wire": (),
    "events": ("wire",),
    "log": ("events",),
    "log/disk": ("events", "log"),
    "state": ("events", "log.window"),
    "insight": ("events", "log.window", "state"),
    "stream": ("events", "log", "state", "insight"),
    "api": ("events", "insight", "state", "stream"),
    "access": (),
    "ingest": ("access", "events", "wire", "log.window", "log.coalescer"),
    "web": ("access", "stream", "insight", "state", "log", "events"),
    "journal": (),
    "metrics": ("events", "ingest", "insight", "log", "stream", "config", "status"),
    "client": ("wire", "events"),
    "client/tx": ("client",),
    "sim": ("client", "events", "wire"),
    "incident": ("client", "events", "wire"),
    "cli": ("client", "events", "incident", "sim"),
}
"""Room by room, or module by module where that is all it may know. Its own modules, and ``vizd`` itself for
the version, always. Modules outside the rooms put the house together, and may know everything."""

MAY_USE = {
    "wire": ("google.protobuf",),
    "events": ("google.protobuf",),
    "log": ("zope.interface", "msgspec", "zstandard"),
    "log/disk": ("zope.interface", "msgspec", "twisted"),
    "state": ("msgspec",),
    "insight": ("msgspec",),
    "stream": ("zope.interface", "msgpack", "msgspec"),
    "api": ("msgspec",),
    "access": ("cryptography", "twisted"),
    "ingest": ("google.protobuf", "grpc", "grpc_health", "grpc_reflection", "twisted"),
    "web": ("zope.interface", "twisted", "autobahn", "OpenSSL"),
    "journal": ("twisted", "zope.interface"),
    "metrics": ("prometheus_client",),
    "client": ("grpc", "google.protobuf", "httpx", "msgspec", "websockets"),
    "client/tx": ("OpenSSL", "twisted", "websockets"),
    "incident": ("grpc", "msgspec", "zstandard"),  # Of gRPC it names the type of a channel's credentials.
    "cli": ("click", "msgspec", "rich"),
    "sim": ("grpc",),  # Names the type of its channel's credentials; the channel is the client's.
}
"""What is not ours and not Python's."""

PURE = ("events", "log", "state", "insight", "stream", "api")
NOT_IN_PURE = {"asyncio", "datetime", "selectors", "socket", "sqlite3", "subprocess", "threading", "time"}
"""Of Python's own: clocks, threads and sockets come in as arguments."""
TOLD_FROM_EACH_OTHER = {"vizd.log.zstd": {"threading"}}
"""It begins no thread, but is used in several."""
NEVER_WITH_PURE = ("autobahn", "grpc", "sqlite3", "twisted", "txaio", "vizd.client", "vizd.ingest", "vizd.web")


def modules(room: str = "") -> Iterator[Path]:
    """The files of a room, or of the house; not those of a room in it, nor what protoc has written."""
    within = [HOUSE / other for other in MAY_IMPORT if other.startswith(f"{room}/")]
    for path in sorted((HOUSE / room).rglob("*.py")):
        if not path.name.endswith("_pb2.py") and not any(path.is_relative_to(each) for each in within):
            yield path


def name_of(path: Path) -> str:
    """``vizd.log.window`` from its file."""
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """What a module imports, anywhere in it, as the longest dotted names that are modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            for each in node.names:
                longer = f"{node.module}.{each.name}"
                yield longer if node.module.startswith("vizd") and is_module(longer) else node.module


def is_module(name: str) -> bool:
    """Whether ``vizd...`` names a file or folder of ours, not something in one."""
    path = HOUSE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def is_within(name: str, allowed: str) -> bool:
    """Whether ``name`` is ``allowed`` or lies in it."""
    return name == allowed or name.startswith(f"{allowed}.")


class ImportGraph(TestCase):
    def test_every_room_is_in_the_table(self) -> None:
        rooms = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
        self.assertLessEqual(rooms, set(MAY_IMPORT))
        self.assertEqual(set(MAY_IMPORT), set(MAY_USE))

    def test_a_room_knows_only_the_rooms_that_it_may(self) -> None:
        for room, allowed in MAY_IMPORT.items():
            known = [f"vizd.{room.replace('/', '.')}", *(f"vizd.{each}" for each in allowed)]
            for path in modules(room):
                for name in imports(path):
                    if name != "vizd" and is_within(name, "vizd"):
                        self.assertTrue(any(is_within(name, each) for each in known), f"{name_of(path)}: {name}")

    def test_a_dependency_has_one_owner(self) -> None:
        for room, allowed in MAY_USE.items():
            for path in modules(room):
                for name in imports(path):
                    if not is_within(name, "vizd") and name.split(".")[0] not in sys.stdlib_module_names:
                        self.assertTrue(any(is_within(name, each) for each in allowed), f"{name_of(path)}: {name}")

    def test_only_the_websocket_module_knows_autobahn(self) -> None:
        users = {name_of(path) for path in modules() if any(is_within(name, "autobahn") for name in imports(path))}
        self.assertLessEqual(users, {"vizd.web.websocket"})

    def test_pure_rooms_know_no_clock_thread_or_socket(self) -> None:
        for room in PURE:
            for path in modules(room):
                known = {name.split(".")[0] for name in imports(path)}
                may_know = TOLD_FROM_EACH_OTHER.get(name_of(path), set())
                self.assertEqual(known & NOT_IN_PURE, may_know, name_of(path))


class FreshInterpreter(TestCase):
    def loaded_with(self, names: list[str]) -> list[str]:
        """All modules that a new interpreter has loaded once it has imported these."""
        script = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
        script += "print(json.dumps(sorted(sys.modules)))"
        done = subprocess.run(
            [sys.executable, "-c", script, *names], cwd=HOUSE.parent, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        loaded: list[str] = json.loads(done.stdout)
        return loaded

    def test_twisted_grpc_and_their_like_do_not_come_along_with_a_pure_room(self) -> None:
        for room in PURE:
            names = [name_of(path) for path in modules(room)]
            self.assertGreater(len(names), 1)
            loaded = self.loaded_with(names)
            self.assertIn(names[-1], loaded)
            along = [name for name in loaded if any(is_within(name, each) for each in NEVER_WITH_PURE)]
            self.assertEqual(along, [], room)

    def test_a_nodes_program_gets_no_twisted_with_the_client(self) -> None:
        loaded = self.loaded_with([name_of(path) for path in modules("client")])
        along = [name for name in loaded if any(is_within(name, each) for each in ("twisted", "autobahn", "vizd.web"))]
        self.assertEqual(along, [])

    def test_vizctl_loads_no_grpc_until_it_publishes(self) -> None:
        loaded = self.loaded_with(["vizd.cli.main"])
        self.assertEqual([name for name in loaded if is_within(name, "grpc")], [])

    def test_the_plugin_loads_nothing_of_ours(self) -> None:
        spec = importlib.util.find_spec("twisted.plugins.vizd_plugin")
        assert spec is not None
        loaded = self.loaded_with(["twisted.plugins.vizd_plugin"])
        self.assertEqual([name for name in loaded if is_within(name, "vizd")], [])
