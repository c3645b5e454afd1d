"""The answer to a scrape: Prometheus' text, or OpenMetrics for whoever asks for that."""

from prometheus_client import exposition
from prometheus_client.gc_collector import GCCollector
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

__all__ = ["Exposition"]


class Exposition:
    """What one daemon exposes. It has a registry of its own: the library's is one for all daemons of a process."""

    def __init__(self, daemon: Collector) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(daemon)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def answer(self, accept: str) -> tuple[str, bytes]:
        """A content type and a body.

        :param accept: the Accept header. Nothing of it is repeated in the content type.
        """
        if "application/openmetrics-text" in accept:
            return openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest(self._registry)
        return exposition.CONTENT_TYPE_PLAIN_0_0_4, exposition.generate_latest(self._registry)
