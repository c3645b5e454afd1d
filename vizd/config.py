"""What can be set: one table of options, each also an environment variable, and the checks on their values.

An option counts before its variable, a variable before the default.
"""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vizd.access.certificates import check_key_of, read_certificates, read_key, validity
from vizd.access.tokens import TokenFile
from vizd.incident.reader import check_incident
from vizd.insight.thresholds import Thresholds, thresholds_from_text
from vizd.web.admission import parse_host, parse_origin

__all__ = ["OPTIONS", "Config", "ConfigError", "Option"]


_MAX_THRESHOLDS_BYTES = 65_536
"""Ten times what all thresholds of all rules take."""


class ConfigError(ValueError):
    """The text names the option, what is wrong with it, and what would be right."""


@dataclass(frozen=True, slots=True)
class Option:
    """One line of the table.

    :ivar name: on the command line, without dashes. :ivar default: as text; ``None``: see ``help``.
    :ivar parse: from text to the value; raises ``ValueError`` with what would be right.
    """

    name: str
    default: str | None
    parse: Callable[[str], Any]
    help: str

    @property
    def variable(self) -> str:
        """Of the environment."""
        return "VIZD_" + self.name.upper().replace("-", "_")

    @property
    def attribute(self) -> str:
        """Of ``Config``."""
        return self.name.replace("-", "_")


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise ValueError(f"use a number from {least} to {most}")
        return int(text)

    return parse


def _address(text: str) -> str:
    if text == "localhost":
        return text
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError("use an IP address, such as 127.0.0.1, 0.0.0.0 or ::") from None


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"use {', '.join(words[:-1])} or {words[-1]}")
        return text

    return parse


def _file(check: Callable[[Path], object]) -> Callable[[str], Path]:
    """The path of a file that ``check`` finds nothing wrong with."""

    def parse(text: str) -> Path:
        check(Path(text))
        return Path(text)

    return parse


def _directory(text: str) -> Path:
    """The path of one, or of what is not there yet."""
    if not text or "\0" in text or (Path(text).exists() and not Path(text).is_dir()):
        raise ValueError("use a directory")
    return Path(text).absolute()  # A daemon may change to another one.


def _thresholds(name: str) -> Thresholds:
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MAX_THRESHOLDS_BYTES + 1)
    except (OSError, ValueError) as why:  # A name with a zero byte is a ValueError.
        reason = getattr(why, "strerror", None) or str(why)
        raise ValueError(f"it can't be read ({reason}); use a file of thresholds in JSON") from None
    if len(content) > _MAX_THRESHOLDS_BYTES:
        raise ValueError(f"it is over {_MAX_THRESHOLDS_BYTES} bytes long; use a file of thresholds in JSON")
    try:
        return thresholds_from_text(content.decode())
    except UnicodeDecodeError as why:
        raise ValueError(f"it is not UTF-8: byte {why.start} is {content[why.start]:#04x}; use JSON") from None


def _list_of(parse: Callable[[str], Any]) -> Callable[[str], frozenset[Any]]:
    return lambda text: frozenset(parse(each.strip()) for each in text.split(",") if each.strip())


OPTIONS = (
    Option("port", "9090", _number(0, 65535), "of HTTP and WebSocket; 0: any that is free, logged"),
    Option("grpc-port", "9091", _number(0, 65535), "of gRPC; 0: any that is free, logged"),
    Option("interface", None, _address, "to listen on [default: 127.0.0.1, and ::1 where the machine has it]"),
    Option("grpc-interface", None, _address, "to listen on for gRPC [default: as --interface]"),
    Option("buffer-minutes", "60", _number(1, 1440), "of history to keep"),
    Option("buffer-mb", "512", _number(16, 1_000_000), "of memory or disk for history; whichever bound comes first"),
    Option("data-dir", None, _directory,
           "a directory for history, so that it survives a restart; made if it is not there [default: in memory]"),
    Option("coalesce-ms", "50", _number(10, 1000), "length of a window"),
    Option("allowed-origins", None, _list_of(parse_origin),
           "pages that may connect, with commas between, besides the daemon's own"
           " [default: those of this machine, on any port]"),
    Option("allowed-hosts", None, _list_of(parse_host),
           "names that the daemon is known by, with commas between, besides localhost and its interface"),
    Option("token-file", None, _file(TokenFile), "a token a line; whoever views must bring one of them"),
    Option("publish-token-file", None, _file(TokenFile), "the same for nodes that publish [default: as --token-file]"),
    Option("tls-cert", None, _file(read_certificates),
           "certificate chain in PEM: with it and --tls-key both ports speak TLS"),
    Option("tls-key", None, _file(read_key), "private key of --tls-cert, in PEM"),
    Option("tls-client-ca", None, _file(read_certificates),
           "in PEM: nodes must bring a certificate that it has signed"),
    Option("max-clients", "1000", _number(1, 100_000), "WebSocket clients at once"),
    Option("log-level", "info", _one_of("debug", "info", "warn", "error"), "the least that is logged"),
    Option("log-format", "text", _one_of("text", "json"), "of the log: text for people, json: a JSON object a line"),
    Option("demo-file", None, _file(check_incident),
           "an incident that vizctl has exported: played to this daemon through its own gRPC port"),
    Option("insight-config", None, _thresholds, "thresholds of the rules that say what is wrong, a file of JSON"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """Checked values. ``interface`` and ``grpc_interface`` are addresses to listen on, all of them."""

    port: int
    grpc_port: int
    interface: tuple[str, ...]
    grpc_interface: tuple[str, ...]
    buffer_minutes: int
    buffer_mb: int
    data_dir: Path | None
    coalesce_ms: int
    allowed_origins: frozenset[tuple[str, str, int]] | None
    allowed_hosts: frozenset[str]
    token_file: Path | None
    publish_token_file: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    max_clients: int
    log_level: str
    log_format: str
    insight_config: Thresholds
    demo_file: Path | None
    demo: bool = False

    @classmethod
    def read(cls, options: Mapping[str, Any], environment: Mapping[str, str]) -> "Config":
        """
        :param options: texts of the command line; ``None`` where one is not given.
        :param environment: such as ``os.environ``; an empty variable is one that is not set.
        :raises ConfigError: a value is wrong.
        """
        values: dict[str, Any] = {}
        for option in OPTIONS:
            text, source = options.get(option.name), f"--{option.name}"
            if text is None and environment.get(option.variable):
                text, source = environment[option.variable], option.variable
            if text is None:
                text = option.default
            try:
                values[option.attribute] = None if text is None else option.parse(str(text))
            except ValueError as why:
                raise ConfigError(f"{source}: {str(text)[:200]!r} is wrong: {why}") from None
        interface = _addresses(values["interface"])
        grpc_interface = interface if values["grpc_interface"] is None else _addresses(values["grpc_interface"])
        values.update(interface=interface, grpc_interface=grpc_interface)
        values["publish_token_file"] = values["publish_token_file"] or values["token_file"]
        values["allowed_hosts"] = values["allowed_hosts"] or frozenset()
        values["insight_config"] = values["insight_config"] or Thresholds()
        if values["port"] and values["port"] == values["grpc_port"]:
            raise ConfigError(f"--port and --grpc-port are both {values['port']}: each needs a port of its own")
        _check_tls(values["tls_cert"], values["tls_key"], values["tls_client_ca"])
        demos = [
            name
            for name, is_asked in (("--demo", options.get("demo")), ("--demo-file", values["demo_file"]))
            if is_asked
        ]
        if len(demos) > 1:
            raise ConfigError("--demo and --demo-file: one of them is enough")
        if demos and values["tls_client_ca"]:
            raise ConfigError(f"{demos[0]} has no certificate to bring for --tls-client-ca: leave out one of the two")
        return cls(**values, demo=bool(options.get("demo")))

    def warnings(self) -> list[str]:
        """What is allowed, and hardly meant so; a line each."""
        found = []
        if self.tls_cert is None:
            open_for = [
                what
                for what, interface, token_file in (
                    ("read", self.interface, self.token_file),
                    ("publish", self.grpc_interface, self.publish_token_file),
                )
                if token_file is None and _is_exposed(interface)
            ]
            if open_for:
                found.append(
                    "this daemon can be reached from other machines, and asks for neither a token nor TLS:"
                    f" whoever reaches it can {' and '.join(open_for)}"
                )
        for path in filter(None, (self.tls_cert, self.tls_client_ca)):
            trouble = validity(path)
            if trouble:
                found.append(f"{trouble}: nobody who checks it will connect")
        return found


def _check_tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> None:
    for given, missing, name in ((cert, key, "--tls-cert"), (key, cert, "--tls-key")):
        if given and not missing:
            other = "--tls-key" if name == "--tls-cert" else "--tls-cert"
            raise ConfigError(f"{name} is given and {other} is not: use both, or neither")
    if client_ca and not cert:
        raise ConfigError("--tls-client-ca is given and --tls-cert is not: use it with --tls-cert and --tls-key")
    if cert and key:
        try:
            check_key_of(cert, key)
        except ValueError as why:
            raise ConfigError(f"--tls-key: {str(key)!r} is wrong: {why}") from None


def _is_exposed(interface: tuple[str, ...]) -> bool:
    """Others than this machine can reach a port there."""
    return any(not ipaddress.ip_address(each).is_loopback for each in interface)


def _addresses(given: str | None) -> tuple[str, ...]:
    if given is None or given == "localhost":
        return ("127.0.0.1", "::1") if _has_ipv6_loopback() else ("127.0.0.1",)
    return (given,)


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
