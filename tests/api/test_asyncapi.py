"""Tests of ``vizd.api.asyncapi`` and ``messages``.

The document was read by AsyncAPI's own schema of version 3.0.0 as well; that is to be had from npm alone, so here the
structure is looked at.
"""

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.api.closed import Described, references
from vizd.api.asyncapi import document
from vizd.stream.messages import ClientMessage, parse


class AsyncApiTests(SynchronousTestCase):
    """The document."""

    def setUp(self) -> None:
        self.described = Described(json.loads(json.dumps(document())))
        self.document = self.described.document

    def test_it_has_the_parts_of_asyncapi_3_and_no_others(self) -> None:
        self.assertEqual(self.document["asyncapi"], "3.0.0")
        self.assertEqual(
            set(self.document),
            {"asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"},
        )
        for operation in self.document["operations"].values():
            self.assertEqual(set(operation), {"action", "summary", "channel", "messages"})
            self.assertIn(operation["action"], ("send", "receive"))

    def test_whatever_it_points_to_is_there(self) -> None:
        for reference in references(self.document):
            self.described.at(reference)

    def test_each_message_goes_one_way_and_is_on_the_channel(self) -> None:
        ways = [
            [each["$ref"].rpartition("/")[2] for each in operation["messages"]]
            for operation in self.document["operations"].values()
        ]
        messages = set(self.document["components"]["messages"])
        self.assertEqual(sorted(ways[0] + ways[1]), sorted(messages))
        self.assertEqual(set(self.document["channels"]["events"]["messages"]), messages)

    def test_examples_are_what_they_are_examples_of_and_of_nothing_else(self) -> None:
        messages = self.document["components"]["messages"]
        for name, message in messages.items():
            [example] = message["examples"]
            for other, each in messages.items():
                faults = self.described.faults(each["payload"], example["payload"])
                self.assertEqual(not faults, name == other, f"{name} as {other}: {faults}")

    def test_examples_of_the_client_are_understood_by_the_daemon(self) -> None:
        understood = set()
        for reference in self.document["operations"]["fromClient"]["messages"]:
            [example] = self.described.at(self.described.at(reference["$ref"])["$ref"])["examples"]
            understood.add(type(parse(json.dumps(example["payload"]).encode(), is_binary=False)))
        self.assertEqual(understood, set(ClientMessage.__args__))
