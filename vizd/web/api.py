"""The small endpoints: ``/health``, ``/ready``, ``/api/stats``."""

from collections.abc import Callable
from typing import Any

from twisted.web.server import Request

from vizd.web.admission import Admission
from vizd.web.site import Endpoint, send_json

__all__ = ["ProbeEndpoint", "StatsEndpoint"]


class ProbeEndpoint(Endpoint):
    """For those who watch over the daemon: neither a Host that they could know is asked for nor a token."""

    is_guarded = asks_for_token = False

    def __init__(self, admission: Admission, probe: Callable[[], tuple[int, dict[str, Any]]]) -> None:
        """
        :param probe: an HTTP status and a body.
        """
        super().__init__(admission)
        self._probe = probe

    def get(self, request: Request) -> bytes:
        """See ``Endpoint``."""
        return send_json(request, *self._probe())


class StatsEndpoint(Endpoint):
    """Numbers."""

    def __init__(self, admission: Admission, stats: Callable[[], dict[str, Any]]) -> None:
        super().__init__(admission)
        self._stats = stats

    def get(self, request: Request) -> bytes:
        """See ``Endpoint``."""
        return send_json(request, 200, self._stats())
