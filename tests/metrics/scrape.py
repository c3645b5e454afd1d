"""What a scrape says, read by the library of Prometheus."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

__all__ = ["Scrape"]


class Scrape:
    """One answer.

    :ivar types: of the metrics, by name; without ``_total``. :ivar help: what each means.
    """

    def __init__(self, text: str, *, is_openmetrics: bool = False) -> None:
        families = list((parse_openmetrics if is_openmetrics else parse_text)(text))
        self.types = {family.name: family.type for family in families}
        self.help = {family.name: family.documentation for family in families}
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in families:
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._values, f"{key} occurs twice"
                self._values[key] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """Of one series; ``name`` without ``norikv_vizd_``."""
        return self._values[f"norikv_vizd_{name}", frozenset(labels.items())]

    def by(self, name: str, label: str) -> dict[str, float]:
        """All series of a metric with one label."""
        return {
            dict(labels)[label]: value
            for (each, labels), value in self._values.items()
            if each == f"norikv_vizd_{name}"
        }

    @property
    def names(self) -> set[str]:
        """Of all series."""
        return {name for name, _ in self._values}

    @property
    def series(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Everything."""
        return self._values
