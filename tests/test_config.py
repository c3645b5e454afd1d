"""Tests of ``vizd.config``, and of how ``vizd.tap`` says what is wrong."""

import os
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.access.authority import Authority
from vizd import config as config_module
from vizd.config import OPTIONS, Config, ConfigError
from vizd.insight.thresholds import Thresholds
from vizd.tap import Options

FILES = Path(__file__).parent
TOKENS = FILES / "tokens"

CASES: dict[str, tuple[Any, list[tuple[str, Any]], list[str]]] = {
    "port": (9090, [("0", 0), ("1", 1), ("65535", 65535)],
             ["", "x", "-1", "65536", "9090.0", "0x1", "1e3", "9" * 5_000]),
    "grpc-port": (9091, [("0", 0), ("65535", 65535)], ["", "x", "-1", "65536"]),
    "interface": (None, [("0.0.0.0", ("0.0.0.0",)),
                         ("::", ("::",)), ("[::1]", ("::1",)), ("127.0.0.2", ("127.0.0.2",))],
                  ["", "x", "*", "example.com", "127.0.0.1:9090", "256.1.1.1", "10.0.0.0/8"]),
    "grpc-interface": (None, [("10.1.2.3", ("10.1.2.3",))], ["", "x"]),
    "buffer-minutes": (60, [("1", 1), ("1440", 1440)], ["0", "1441", "1.5", ""]),
    "buffer-mb": (512, [("16", 16), ("1000000", 1_000_000)], ["15", "1000001", "1G"]),
    "data-dir": (None, [(str(FILES), FILES), ("/no/such/directory", Path("/no/such/directory"))],
                 ["", __file__, "a\0b"]),
    "coalesce-ms": (50, [("10", 10), ("1000", 1000)], ["9", "1001", "50ms"]),
    "allowed-origins": (None, [("https://a.example, http://b:81",
                                frozenset({("https", "a.example", 443), ("http", "b", 81)}))],
                        ["a.example", "*", "https://a/b", "ftp://a", "https://a https://b"]),
    "allowed-hosts": (frozenset(), [("a.example,B.example:80,[::2]", frozenset({"a.example", "b.example", "::2"}))],
                      ["http://a", "a b", "*", "a/b"]),
    **{
        name: (None, [(str(TOKENS), TOKENS)], ["", "no-such-file", "/", "a\0b", __file__])
        for name in ("token-file", "publish-token-file")
    },
    **{
        name: (None, [], ["", "no-such-file", "/", "a\0b", __file__])  # Right ones need each other: TlsTests.
        for name in ("tls-cert", "tls-key", "tls-client-ca")
    },
    "log-level": ("info", [("debug", "debug"), ("error", "error")], ["", "INFO", "loud"]),
    "log-format": ("text", [("json", "json")], ["", "JSON", "xml"]),
    "max-clients": (1000, [("1", 1), ("100000", 100_000)], ["0", "100001"]),
    "demo-file": (None, [(str(FILES / "incident" / "node-crash.viz"), FILES / "incident" / "node-crash.viz")],
                  ["", "no-such-file", "/", "a\0b", __file__]),
    "insight-config": (Thresholds(), [(str(FILES / "thresholds.json"), Thresholds({"node-silent": {"after_s": 7}}))],
                       ["", "no-such-file", "/", str(FILES / "test_config.py"), "a\0b"]),
}  # fmt: skip
"""By option: its default, texts and their values, texts that are wrong. An option that is not here fails a test."""


WITHOUT_DEFAULT = ("allowed-hosts", "insight-config")


class ConfigTests(SynchronousTestCase):
    """Values, and where they come from."""

    def test_every_option_is_tested(self) -> None:
        self.assertEqual({option.name for option in OPTIONS}, set(CASES))

    def test_every_option_has_its_default(self) -> None:
        config = Config.read({}, {})
        for option in OPTIONS:
            default = CASES[option.name][0]
            if not option.name.endswith("interface"):
                self.assertEqual(getattr(config, option.attribute), default, option.name)
        self.assertFalse(config.demo)

    def test_an_option_counts_before_its_variable_and_that_before_the_default(self) -> None:
        for option in OPTIONS:
            for text, value in CASES[option.name][1]:
                right = CASES[option.name][1][0][0]
                for options, environment in (
                    ({option.name: text}, {}),
                    ({}, {option.variable: text}),
                    ({option.name: text}, {option.variable: right}),
                    ({option.name: text}, {option.variable: "nonsense"}),
                ):
                    config = Config.read(options, environment)
                    self.assertEqual(getattr(config, option.attribute), value, (options, environment))

    def test_a_variable_has_the_options_name(self) -> None:
        self.assertEqual(
            [option.variable for option in OPTIONS if option.name in ("port", "grpc-port", "allowed-origins")],
            ["VIZD_PORT", "VIZD_GRPC_PORT", "VIZD_ALLOWED_ORIGINS"],
        )

    def test_an_empty_variable_is_one_that_is_not_set(self) -> None:
        self.assertEqual(Config.read({}, {option.variable: "" for option in OPTIONS}), Config.read({}, {}))

    def test_a_wrong_value_is_one_line_that_names_its_source_and_what_would_be_right(self) -> None:
        for option in OPTIONS:
            for text in CASES[option.name][2]:
                sources: list[tuple[str, Any, Any]] = [(f"--{option.name}", {option.name: text}, {})]
                if text:
                    sources.append((option.variable, {}, {option.variable: text}))
                for source, options, environment in sources:
                    with self.assertRaises(ConfigError) as raised:
                        Config.read(options, environment)
                    said = str(raised.exception)
                    self.assertTrue(said.startswith(f"{source}: {text[:200]!r} is wrong: "), said)
                    self.assertIn("use ", said)
                    self.assertNotIn("\n", said)
                    self.assertLess(len(said), 400)

    @settings(deadline=None, max_examples=200)
    @given(st.sampled_from(OPTIONS), st.text(max_size=30))
    def test_any_text_is_a_value_or_one_line(self, option: Any, text: str) -> None:
        try:
            Config.read({option.name: text}, {})
        except ConfigError as why:
            self.assertEqual(len(str(why).splitlines()), 1)

    def test_two_ports_are_two(self) -> None:
        with self.assertRaises(ConfigError) as raised:
            Config.read({"port": "9000", "grpc-port": "9000"}, {})
        self.assertIn("--port and --grpc-port", str(raised.exception))
        self.assertEqual(Config.read({"port": "0", "grpc-port": "0"}, {}).port, 0)

    def test_the_default_interface_is_loopback_with_ipv6_where_the_machine_has_it(self) -> None:
        for has, right in ((True, ("127.0.0.1", "::1")), (False, ("127.0.0.1",))):
            self.patch(config_module, "_has_ipv6_loopback", lambda has=has: has)
            for options in ({}, {"interface": "localhost"}):
                config = Config.read(options, {})
                self.assertEqual((config.interface, config.grpc_interface), (right, right))
                self.assertEqual(config.warnings(), [])

    def test_grpc_listens_where_http_does_unless_it_is_told_otherwise(self) -> None:
        self.assertEqual(Config.read({"interface": "10.1.2.3"}, {}).grpc_interface, ("10.1.2.3",))
        config = Config.read({"interface": "10.1.2.3", "grpc-interface": "127.0.0.1"}, {})
        self.assertEqual((config.interface, config.grpc_interface), (("10.1.2.3",), ("127.0.0.1",)))

    def test_the_tokens_of_those_who_view_are_those_of_nodes_unless_these_have_their_own(self) -> None:
        config = Config.read({"token-file": str(TOKENS)}, {})
        self.assertEqual((config.token_file, config.publish_token_file), (TOKENS, TOKENS))
        config = Config.read({"publish-token-file": str(TOKENS)}, {})
        self.assertEqual((config.token_file, config.publish_token_file), (None, TOKENS))


class WarningTests(SynchronousTestCase):
    """What is allowed, and hardly meant so."""

    def open_for(self, **options: str) -> str:
        """What anybody can do."""
        warnings = Config.read({name.replace("_", "-"): text for name, text in options.items()}, {}).warnings()
        self.assertLessEqual(len(warnings), 1)
        return warnings[0].partition("can be reached from other machines, and ")[2] if warnings else ""

    def test_this_machine_alone_is_no_reason(self) -> None:
        for interface in ("127.0.0.1", "127.8.9.1", "::1", "localhost"):
            self.assertEqual(self.open_for(interface=interface), "")

    def test_others_may_read_and_publish_where_neither_token_nor_tls_is_asked_for(self) -> None:
        said = "asks for neither a token nor TLS: whoever reaches it can "
        for interface in ("0.0.0.0", "::", "10.1.2.3"):
            self.assertEqual(self.open_for(interface=interface), said + "read and publish")
        self.assertEqual(self.open_for(grpc_interface="0.0.0.0"), said + "publish")
        self.assertEqual(self.open_for(interface="0.0.0.0", grpc_interface="127.0.0.1"), said + "read")

    def test_tokens_are_enough(self) -> None:
        self.assertEqual(self.open_for(interface="0.0.0.0", token_file=str(TOKENS)), "")
        self.assertIn("can read", self.open_for(interface="0.0.0.0", publish_token_file=str(TOKENS)))


class TlsTests(TestCase):
    """``--tls-cert`` and its like, with certificates made here."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))
        self.cert, self.key = map(str, self.authority.signed("localhost"))
        self.ca = str(self.authority.path)

    def refusal(self, **options: str) -> str:
        with self.assertRaises(ConfigError) as raised:
            Config.read({name.replace("_", "-"): text for name, text in options.items()}, {})
        self.assertNotIn("\n", str(raised.exception))
        self.assertIn(" use ", str(raised.exception))
        return str(raised.exception)

    def test_a_certificate_with_its_key_is_taken_with_and_without_an_authority(self) -> None:
        options = {"tls-cert": self.cert, "tls-key": self.key, "interface": "0.0.0.0"}
        config = Config.read(options, {})
        self.assertEqual((config.tls_cert, config.tls_key), (Path(self.cert), Path(self.key)))
        self.assertEqual(config.warnings(), [])
        self.assertEqual(Config.read(options | {"tls-client-ca": self.ca}, {}).tls_client_ca, Path(self.ca))

    def test_one_without_the_other_is_refused(self) -> None:
        self.assertIn("--tls-cert is given and --tls-key is not", self.refusal(tls_cert=self.cert))
        self.assertIn("--tls-key is given and --tls-cert is not", self.refusal(tls_key=self.key))
        self.assertIn("--tls-client-ca is given and --tls-cert is not", self.refusal(tls_client_ca=self.ca))

    def test_the_key_of_another_certificate_is_refused(self) -> None:
        _, other = map(str, self.authority.signed("localhost"))
        self.assertTrue(self.refusal(tls_cert=self.cert, tls_key=other).startswith(f"--tls-key: {other!r} is wrong: "))

    def test_files_in_each_others_place_are_refused(self) -> None:
        self.assertTrue(self.refusal(tls_cert=self.key, tls_key=self.cert).startswith("--tls-cert: "))
        self.assertTrue(self.refusal(tls_cert=self.cert, tls_key=self.ca).startswith("--tls-key: "))

    def test_an_expired_certificate_is_a_warning(self) -> None:
        cert, key = map(str, self.authority.signed("localhost", begins_days=-9, ends_days=-1))
        (warning,) = Config.read({"tls-cert": cert, "tls-key": key}, {}).warnings()
        self.assertIn(cert, warning)
        self.assertIn("has expired at", warning)


class InsightConfigTests(TestCase):
    """``--insight-config``, a file."""

    def written(self, content: bytes) -> str:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return str(path)

    def refusal(self, content: bytes) -> str:
        path = self.written(content)
        with self.assertRaises(ConfigError) as raised:
            Config.read({"insight-config": path}, {})
        said = str(raised.exception)
        self.assertIn(repr(path), said)
        self.assertNotIn("\n", said)
        return said.partition(" is wrong: ")[2]

    def test_what_is_wrong_names_the_file_the_rule_the_key_and_the_value(self) -> None:
        self.assertEqual(
            self.refusal(b'{"node-silent": {"after_s": "5"}}'),
            'node-silent: after_s is "5"; use a whole number from 0 to 3600',
        )

    def test_a_file_that_is_too_large_or_no_text_is_refused(self) -> None:
        self.assertEqual(self.refusal(b" " * 65_537), "it is over 65536 bytes long; use a file of thresholds in JSON")
        self.assertEqual(self.refusal(b'{"a\xff'), "it is not UTF-8: byte 3 is 0xff; use JSON")
        self.assertEqual(Config.read({"insight-config": self.written(b"{}" + b" " * 65_534)}, {}).port, 9090)

    def test_checking_the_configuration_checks_it(self) -> None:
        path = self.written(b'{"no-such-rule": {}}')
        with self.assertRaises(SystemExit) as raised:
            Options().parseOptions(["--check", "--insight-config", path])
        self.assertTrue(str(raised.exception).startswith(f"vizd: --insight-config: {path!r} is wrong: "))


class CommandLineTests(SynchronousTestCase):
    """``twistd vizd ...``."""

    def setUp(self) -> None:
        for option in OPTIONS:
            if option.variable in os.environ:
                self.patch(os, "environ", {name: text for name, text in os.environ.items() if name != option.variable})

    def test_options_of_the_command_line_reach_the_configuration(self) -> None:
        options = Options()
        options.parseOptions(["--port", "1234", "--coalesce-ms=100", "--demo"])
        self.assertEqual((options.config.port, options.config.coalesce_ms, options.config.demo), (1234, 100, True))

    def test_the_environment_is_read(self) -> None:
        self.patch(os, "environ", {**os.environ, "VIZD_PORT": "4321"})
        options = Options()
        options.parseOptions([])
        self.assertEqual(options.config.port, 4321)

    def test_what_is_wrong_ends_it_with_one_line(self) -> None:
        for arguments, named in (
            (["--port", "x"], "--port"), (["--port"], "--port"), (["--nonsense"], "nonsense"), (["stray"], "stray"),
            (["--demo=1"], "--demo"), (["--coalesce-ms", "5"], "--coalesce-ms"),
        ):  # fmt: skip
            with self.assertRaises(SystemExit) as raised:
                Options().parseOptions(arguments)
            said = raised.exception.code
            self.assertIsInstance(said, str, "a text is printed, and the status is 1")
            self.assertTrue(said.startswith("vizd: ") and named.strip("-") in said and "\n" not in said, said)

    def test_help_shows_every_option_with_its_variable_and_default(self) -> None:
        text = " ".join(Options().getUsage(width=10_000).split())
        for option in OPTIONS:
            self.assertIn(f"--{option.name}=", text)
            self.assertIn(f"[{option.variable}]", text)
            self.assertIn(f"[default: {option.default or ''}", text) if option.name not in WITHOUT_DEFAULT else None
        for flag in ("--check", "--demo"):
            self.assertIn(flag, text)
