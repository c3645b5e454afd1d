"""The metrics as a table for people: ``python -m vizd.metrics.table`` prints that of ``docs/metrics.md``."""

from vizd.metrics.catalogue import METRICS

__all__ = ["markdown"]


def markdown() -> str:
    """A Markdown table."""
    lines = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201
