"""``GET /metrics``: for Prometheus."""

from collections.abc import Callable

from twisted.web.server import Request

from vizd.web.admission import Admission
from vizd.web.site import Endpoint, header

__all__ = ["MetricsEndpoint"]


class MetricsEndpoint(Endpoint):
    """Everything that is counted, as it is now."""

    def __init__(self, admission: Admission, answer: Callable[[str], tuple[str, bytes]]) -> None:
        """
        :param answer: from an Accept header to a content type and a body.
        """
        super().__init__(admission)
        self._answer = answer

    def get(self, request: Request) -> bytes:
        """See ``Endpoint``."""
        content_type, body = self._answer(header(request, "accept") or "")
        request.setHeader(b"Content-Type", content_type.encode())
        request.setHeader(b"Content-Length", b"%d" % len(body))
        return b"" if request.method == b"HEAD" else body
