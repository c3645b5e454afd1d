"""The committed protobuf modules are those that the proto file leads to."""

import importlib.util
from pathlib import Path

from google.protobuf import descriptor_pool
from twisted.trial.unittest import TestCase

import vizd.wire
from vizd.wire import vizd_pb2

ROOT = Path(__file__).parents[2]


class Generated(TestCase):
    def test_the_committed_modules_are_what_protoc_makes_of_the_proto(self) -> None:
        specification = importlib.util.spec_from_file_location("generate", ROOT / "protos" / "generate.py")
        assert specification is not None
        assert specification.loader is not None
        generate = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(generate)
        directory = Path(self.mktemp())
        directory.mkdir()
        made = generate.generate(directory)
        self.assertEqual([path.name for path in made], ["vizd_pb2.py", "vizd_pb2.pyi"])
        for path in made:
            committed = Path(vizd.wire.__path__[0], path.name)
            self.assertEqual(committed.read_text(), path.read_text(), f"run: python protos/generate.py ({path.name})")

    def test_no_other_module_is_committed(self) -> None:
        names = {path.name for path in Path(vizd.wire.__path__[0]).glob("*.py*")}
        self.assertEqual(names, {"__init__.py", "vizd_pb2.py", "vizd_pb2.pyi"})

    def test_messages_are_known_by_their_full_names(self) -> None:
        found = descriptor_pool.Default().FindMessageTypeByName("norikv.viz.v1.VizEvent")
        self.assertIs(found, vizd_pb2.VizEvent.DESCRIPTOR)

    def test_field_numbers_11_to_15_of_an_event_stay_free(self) -> None:
        numbers = {field.number for field in vizd_pb2.VizEvent.DESCRIPTOR.fields}
        self.assertEqual(numbers, set(range(1, 11)))
