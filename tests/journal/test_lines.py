"""Tests of ``vizd.journal.lines``."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vizd.journal.lines import FORMATS, MAX_MESSAGE_CHARS, MAX_TRACEBACK_CHARS

AT_S = 1_767_225_600.0
FORGED = "x\r\n2026-01-01T00:00:00.000Z info  service   all is well\x1b[2K\u2028\u202e\x85"


def event(format_: str = "hello", namespace: str = "vizd.web.clients.Clients", **fields: Any) -> dict[str, Any]:
    """What ``twisted.logger`` hands to an observer."""
    return {
        "log_time": AT_S, "log_level": LogLevel.info, "log_namespace": namespace, "log_format": format_, **fields,
    }  # fmt: skip


def failure(text: str = "it broke") -> Failure:
    try:
        raise ValueError(text)
    except ValueError:
        return Failure()


class TextTests(SynchronousTestCase):
    def text(self, **given: Any) -> str:
        return FORMATS["text"](event(**given))

    def test_a_line_has_the_time_the_level_who_says_it_and_what(self) -> None:
        self.assertEqual(
            self.text(format_="{peer} has gone", peer="tcp:1"),
            "2026-01-01T00:00:00.000Z info  clients   tcp:1 has gone\n",
        )

    def test_the_time_is_cut_to_milliseconds_and_never_of_the_future(self) -> None:
        self.assertTrue(self.text(log_time=AT_S + 0.9999).startswith("2026-01-01T00:00:00.999Z "))

    def test_of_others_the_whole_name_is_said(self) -> None:
        self.assertIn(" autobahn.twisted.websocket hello", self.text(namespace="autobahn.twisted.websocket"))

    def test_nobody_can_end_a_line_or_begin_one(self) -> None:
        for fields in ({"format_": "{said} is wrong", "said": FORGED}, {"format_": FORGED}, {"namespace": FORGED}):
            text = self.text(**fields)
            self.assertEqual(len(text.splitlines()), 1, text)
            self.assertTrue(all(char.isprintable() for char in text[:-1]), text)

    def test_a_failure_has_its_traceback_in_indented_lines(self) -> None:
        first, *lines = self.text(log_failure=failure(FORGED)).splitlines()
        self.assertTrue(first.endswith(" hello"))
        self.assertIn("ValueError", "".join(lines))
        self.assertGreater(len(lines), 3)
        for line in lines:
            self.assertTrue(line.startswith("    "), line)
            self.assertTrue(line.isprintable(), line)

    def test_a_failure_that_the_older_log_passes_on_is_told_once(self) -> None:
        older = self.text(format_="{log_text}", log_text="Traceback: ...", why="it broke", log_failure=failure())
        self.assertEqual(older.count("Traceback"), 1)
        self.assertIn(" it broke\n", older)

    def test_what_is_long_is_cut(self) -> None:
        self.assertLess(len(self.text(format_="{said}", said="x" * 100_000)), MAX_MESSAGE_CHARS + 100)
        text = self.text(log_failure=failure("y" * 100_000))
        self.assertLess(len(text), MAX_TRACEBACK_CHARS + 1_000)

    def test_an_exception_that_can_not_be_shown_is_still_logged(self) -> None:
        class Sullen(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no")

        try:
            raise Sullen
        except Sullen:
            for form in FORMATS.values():
                self.assertIn("hello", form(event(log_failure=Failure(), said=Sullen())))

    @given(st.text())
    def test_whatever_is_said_is_one_printable_line(self, said: str) -> None:
        text = self.text(format_="{said}", said=said)
        self.assertEqual(text.count("\n"), 1)
        self.assertTrue(text[:-1].isprintable() or re.search(r"\s", text[:-1]))
        self.assertEqual(len(text.splitlines()), 1)
        text.encode()


class JsonTests(SynchronousTestCase):
    def said(self, **given: Any) -> dict[str, Any]:
        line = FORMATS["json"](event(**given))
        self.assertEqual((line.count("\n"), line[-1]), (1, "\n"))
        self.assertTrue(line[:-1].isascii() and line[:-1].isprintable(), line)
        found: dict[str, Any] = json.loads(line)
        return found

    def test_a_line_is_an_object_with_time_level_source_message_and_fields(self) -> None:
        self.assertEqual(
            self.said(format_="{peer} has gone after {batches}", peer="tcp:1", batches=3),
            {
                "time": "2026-01-01T00:00:00.000Z",
                "level": "info",
                "source": "clients",
                "message": "tcp:1 has gone after 3",
                "fields": {"peer": "tcp:1", "batches": 3},
            },
        )

    def test_a_failure_has_its_traceback_in_one_string(self) -> None:
        said = self.said(log_failure=failure(FORGED))
        self.assertIn("ValueError", said["traceback"])
        self.assertNotIn("fields", said)

    def test_fields_of_any_type_become_json(self) -> None:
        class Sullen:
            def __str__(self) -> str:
                raise RuntimeError("no")

        said = self.said(a=True, b=None, c=1.5, d=float("nan"), e=b"\xff\n", f=[1], g=Sullen(), h="x" * 5_000)["fields"]
        self.assertEqual(
            {name: said[name] for name in "abcdf"}, {"a": True, "b": None, "c": 1.5, "d": "nan", "f": "[1]"}
        )
        self.assertEqual((said["e"], len(said["h"])), ("\\xff\n", 1_000))
        self.assertIn("can't be shown", said["g"])

    def test_there_are_not_more_than_thirty(self) -> None:
        self.assertEqual(len(self.said(**{f"field_{number}": number for number in range(100)})["fields"]), 30)

    @given(
        st.text(), st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text() | st.floats() | st.binary())
    )
    def test_whatever_is_said_can_be_read_back(self, said: str, fields: dict[str, Any]) -> None:
        self.said(format_="{said}", said=said, **{f"x_{name}": value for name, value in fields.items()})


class SecretTests(SynchronousTestCase):
    def test_what_looks_like_a_token_is_not_written_in_either_format(self) -> None:
        secret = "s3cr3t-T0ken_abc.def"
        for said in (
            f"Authorization: Bearer {secret}", f"authorization: bearer  {secret}", f"norikv.viz.v1, bearer.{secret}",
            f"/ws/events?token={secret}", f"/ws/events?access_token={secret}&x=1", f"Bearer%20{secret}",
        ):  # fmt: skip
            for form in FORMATS.values():
                line = form(event("{said}", said=said, raw=said.encode(), log_failure=failure(said)))
                self.assertNotIn(secret, line, said)
                self.assertIn("[not shown]", line)
