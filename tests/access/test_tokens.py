"""Tests of ``vizd.access.tokens``, with files and a clock that is a number."""

import os
import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from tests.access.logged import logged
from vizd.access.tokens import LOOK_EVERY_S, MAX_FILE_BYTES, MAX_TOKENS, TELL_EVERY_S, TokenFile


class Case(SynchronousTestCase):
    """A file of tokens, and the time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.path = Path(self.mktemp())

    def file(self, content: bytes = b"good-Token_1\n") -> TokenFile:
        self.path.write_bytes(content)
        return TokenFile(self.path, self.clock.seconds)

    def write(self, content: bytes) -> None:
        """As whoever changes it should: whole, and by another file in its place."""
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(self.path)

    def assert_in_force(self, tokens: TokenFile, *names: str, but_not: tuple[str, ...] = ()) -> None:
        self.clock.advance(LOOK_EVERY_S)
        for name in names:
            self.assertTrue(tokens.allows(f"Bearer {name}"), name)
        for name in but_not:
            self.assertFalse(tokens.allows(f"Bearer {name}"), name)


class HeaderTests(Case):
    """What a client may say."""

    def test_a_token_of_the_file_is_allowed_and_its_scheme_is_in_any_case(self) -> None:
        tokens = self.file(b"  one \r\n\n\ttwo\n-_\nlast")
        for header in ("Bearer one", "bearer two", "BEARER -_", "Bearer   one", "Bearer last", "Bearer one "):
            self.assertTrue(tokens.allows(header), header)

    def test_nothing_else_is(self) -> None:
        tokens = self.file()
        for header in (
            None, "", "Bearer", "Bearer ", "good-Token_1", "Basic good-Token_1", "Bearer good-token_1",
            "Bearer good-Token_", "Bearer good-Token_12", "Bearer good-Token_1 good-Token_1",
            "Bearer good-Token_1,Bearer good-Token_1", "Bearer good-Token_1\n", "Bearer\tgood-Token_1",
            "Bearer good-Token_1\x00", "BearerX good-Token_1", "Bearer:good-Token_1", "Bearer g\u043eod-Token_1",
            "Bearer " + "x" * 100_000, "Bearer \udcff", "\u017fBearer good-Token_1",
        ):  # fmt: skip
            self.assertFalse(tokens.allows(header), header)

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text_but_the_token_is_refused(self, text: str) -> None:
        if not self.path.exists():
            self.tokens = self.file()
        self.assertEqual(self.tokens.allows(f"Bearer {text}"), text.strip(" ") == "good-Token_1")
        self.assertFalse(self.tokens.allows(text))


class ChangeTests(Case):
    """A file that is written while the daemon runs."""

    def test_a_change_is_seen_within_a_second(self) -> None:
        tokens = self.file(b"old")
        self.write(b"new\nnewer\n")
        self.assertTrue(tokens.allows("Bearer old"), "it has not been looked at yet")
        self.assert_in_force(tokens, "new", "newer", but_not=("old",))

    def test_a_change_in_place_of_the_same_length_is_one(self) -> None:
        tokens = self.file(b"old")
        self.path.write_bytes(b"new")
        os.utime(self.path, ns=(1, 1))
        self.assert_in_force(tokens, "new", but_not=("old",))

    def test_while_it_is_gone_empty_or_wrong_the_last_tokens_stay(self) -> None:
        tokens = self.file(b"first")
        self.path.unlink()
        self.assert_in_force(tokens, "first")
        for wrong in (b"", b"\n \n", b"second\nwith space\n", b"x\n" * MAX_FILE_BYTES):
            self.write(wrong)
            self.assert_in_force(tokens, "first", but_not=("second", "x"))
        self.path.unlink()
        self.path.mkdir()
        self.assert_in_force(tokens, "first")
        self.path.rmdir()
        os.mkfifo(self.path)
        self.assert_in_force(tokens, "first")
        self.path.unlink()
        self.write(b"third")
        self.assert_in_force(tokens, "third", but_not=("first",))

    def test_it_is_said_once_and_again_each_minute_while_it_stays_so(self) -> None:
        tokens = self.file()
        self.path.unlink()
        with logged() as lines:
            for _ in range(int(TELL_EVERY_S) + 1):
                self.assert_in_force(tokens, "good-Token_1")
        self.assertEqual([level for level, _ in lines], [LogLevel.warn, LogLevel.warn])
        self.assertIn(str(self.path), lines[0][1])
        self.assertIn("No such file", lines[0][1])
        self.assertIn("the last tokens stay in force", lines[0][1])

    def test_each_new_trouble_is_said_at_once(self) -> None:
        tokens = self.file()
        with logged() as lines:
            for content in (b"", b"a b", b"", b"a b"):
                self.write(content)
                self.assert_in_force(tokens, "good-Token_1")
        self.assertEqual(len(lines), 4)

    def test_a_change_is_said_with_the_number_of_tokens_and_without_any(self) -> None:
        tokens = self.file(b"secret-1")
        with logged() as lines:
            self.write(b"secret-2\nsecret-3\n")
            self.assert_in_force(tokens, "secret-2", "secret-3", but_not=("secret-1",))
            self.write(b"secret-4\nsecret 5\n")
            self.assert_in_force(tokens, "secret-2")
        self.assertEqual([level for level, _ in lines], [LogLevel.info, LogLevel.warn])
        self.assertIn("2 tokens are in force", lines[0][1])
        self.assertIn("line 2 is no token", lines[1][1])
        self.assertNotIn("secret", "".join(line for _, line in lines))

    def test_the_file_is_not_looked_at_when_nobody_asks_nor_more_than_once_a_second(self) -> None:
        tokens = self.file(b"old")
        self.write(b"new")
        self.clock.advance(LOOK_EVERY_S * 0.9)
        self.assertTrue(tokens.allows("Bearer old"))
        self.clock.advance(LOOK_EVERY_S * 0.2)
        self.assertFalse(tokens.allows("Bearer old"))

    def test_any_thread_may_ask_while_it_changes(self) -> None:
        self.path.write_bytes(b"always\n0")
        tokens = TokenFile(self.path, iter(range(10**9)).__next__)
        answers: list[bool] = []

        def ask() -> None:
            answers.extend(tokens.allows("Bearer always") for _ in range(500))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(100):
            self.write(b"always\n%d" % number)
        for thread in threads:
            thread.join()
        self.assertEqual((len(answers), all(answers)), (2_000, True))


class StartTests(Case):
    """A file that can't be used at the start is an error that says what would be right."""

    def refusal(self, content: bytes) -> str:
        with self.assertRaises(ValueError) as raised:
            self.file(content)
        self.assertIn("; use ", str(raised.exception))
        return str(raised.exception)

    def test_a_wrong_line_is_named_by_its_number_and_never_by_its_text(self) -> None:
        for line in (
            b"sec ret",
            b"secret=",
            b"secret,",
            b"s\xc3\xa9cret",
            b"# secret",
            b"secret\x00",
            b"\xef\xbb\xbfsec",
        ):
            said = self.refusal(b"good\n\n" + line + b"\nalso-good")
            self.assertTrue(said.startswith("line 3 is no token"), said)
            self.assertNotIn("sec", said)

    def test_an_empty_file_and_one_that_is_too_much_are_refused(self) -> None:
        self.assertIn("no token", self.refusal(b" \n\r\n\t"))
        self.assertIn("no token", self.refusal(b""))
        self.assertIn(str(MAX_TOKENS), self.refusal(b"".join(b"t%d\n" % n for n in range(MAX_TOKENS + 1))))
        self.assertIn(str(MAX_FILE_BYTES), self.refusal(b"x" * (MAX_FILE_BYTES + 1)))

    def test_as_many_tokens_as_may_be_are_all_in_force(self) -> None:
        names = [f"t{number}" for number in range(MAX_TOKENS)]
        self.assert_in_force(self.file("\n".join(names).encode()), *names, but_not=(f"t{MAX_TOKENS}",))

    def test_what_is_no_file_is_refused(self) -> None:
        os.mkfifo(pipe := Path(self.mktemp()))
        for path, named in (
            (Path("/"), "irectory"),
            (pipe, "regular"),
            (self.path, "No such file"),
            (Path("a\0b"), "null"),
        ):
            with self.assertRaises(ValueError) as raised:
                TokenFile(path)
            self.assertIn(named, str(raised.exception))
            self.assertIn("; use ", str(raised.exception))
