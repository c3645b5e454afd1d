"""What can go wrong between a client and a daemon, each as one line for people."""

import json
import os

__all__ = ["DaemonError", "from_refusal", "said_by"]

_ADVICE = {
    401: "a token that the daemon knows is needed",
    403: "this client may not come in by that name or origin",
    404: "is that norikv-vizd?",
}
_MAY_PASS = {429, 500, 502, 503, 504}
_MAX_SHOWN = 300


class DaemonError(Exception):
    """The daemon could not be asked, or did not do what it was asked. The text is one line: what, where, and why.

    :ivar status: of HTTP, if there was one. :ivar code: the daemon's own word for it, if it said one.
    :ivar may_pass: trying again later may help, without anything being put right.
    :ivar retry_after_s: when, if the daemon said so; else 0.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        code: str | None = None,
        may_pass: bool = False,
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.may_pass = may_pass
        self.retry_after_s = retry_after_s


def from_refusal(where: str, status: int, body: bytes, retry_after: str | None = None) -> DaemonError:
    """From an answer that is not what was asked for.

    :param where: a URL. :param retry_after: that header.
    """
    code = message = None
    try:
        said = json.loads(body)["error"]
        code, message = str(said["code"]), str(said["message"])
    except (ValueError, KeyError, TypeError):
        pass
    text = message or _ADVICE.get(status) or "it said nothing more"
    return DaemonError(
        f"{where} refused with {status}: {_one_line(text)}",
        status=status,
        code=code,
        may_pass=status in _MAY_PASS,
        retry_after_s=float(retry_after) if retry_after and retry_after.isdecimal() else 0.0,
    )


def said_by(error: OSError) -> str:
    """What the system says of it; asyncio's own text of a connection that was refused says less."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _one_line(text: str) -> str:
    """Of what a daemon says; nobody knows yet that it is one."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + "..."
