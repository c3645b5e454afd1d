"""Tests of ``vizd.api.openapi``, ``answers`` and ``events``."""

import json
from pathlib import Path

from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from twisted.trial.unittest import SynchronousTestCase

import tests.events
from tests.api.closed import Described, references
from vizd.api.openapi import document
from vizd.api.schema import ref
from vizd.events.catalogue import KINDS

VALUES = json.loads(Path(tests.events.__file__).with_name("values.json").read_text())


class OpenApiTests(SynchronousTestCase):
    """The document."""

    def setUp(self) -> None:
        self.described = Described(document())

    def test_it_is_openapi_and_json(self) -> None:
        validate(json.loads(json.dumps(self.described.document)))

    def test_a_document_that_is_none_would_be_seen(self) -> None:
        del self.described.document["paths"]["/api/state"]["get"]["parameters"][0]["in"]
        self.assertRaises(OpenAPIValidationError, validate, self.described.document)

    def test_every_endpoint_says_which_refusals_it_has(self) -> None:
        for path, operations in self.described.document["paths"].items():
            statuses = set(operations["get"]["responses"])
            if path in ("/health", "/ready"):
                self.assertEqual(statuses, {"200", "429", "503"}, path)
            else:
                self.assertLessEqual({"200", "401", "403", "429"}, statuses, path)
            self.assertEqual(bool(operations["get"]["parameters"]), "400" in statuses, path)

    def test_whatever_it_points_to_is_there(self) -> None:
        for reference in references(self.described.document):
            self.described.at(reference)

    def test_values_of_every_kind_are_events_and_others_are_not(self) -> None:
        for event in VALUES:
            self.assertEqual(self.described.faults(ref("Event"), event), [], event)
        for wrong in (
            {"node": 1},
            VALUES[0] | {"more": 1},
            VALUES[0] | {"ts": -1},
            VALUES[0] | {"event": {"type": "Wal", "data": {"node": 1, "seg": 1, "kind": {"kind": "Fsync"}}}},
            VALUES[0] | {"event": {"type": "Swim", "data": {"node": 2**32, "kind": "Alive"}}},
        ):
            self.assertNotEqual(self.described.faults(ref("Event"), wrong), [], wrong)
        told = {str(kind) for kind in KINDS}
        said = {_kind(event["event"]) for event in VALUES}
        self.assertEqual(said, told)


def _kind(event: dict) -> str:
    kind = event["data"].get("kind")
    name = kind["kind"] if isinstance(kind, dict) else kind
    return f"{event['type']}.{name}" if name else event["type"]
