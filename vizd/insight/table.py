"""The rules as tables for people: ``python -m vizd.insight.table`` prints those of ``docs/insight.md``."""

from vizd.insight.rules import RULES

__all__ = ["markdown"]


def markdown() -> str:
    """Two Markdown tables: what each rule says, and what can be set."""
    lines = ["| rule | | opens | closes | can't know |", "|---|---|---|---|---|"]
    lines += [
        f"| `{rule.name}` | {rule.severity} | {rule.sentence} | {rule.closes} | {rule.unknowable} |" for rule in RULES
    ]
    lines += ["", "| rule | threshold | default | from, to | |", "|---|---|---|---|---|"]
    lines += [
        f"| `{rule.name}` | `{each.name}` | {each.default} | {each.least} to {each.most} | {each.means} |"
        for rule in RULES
        for each in rule.thresholds
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201
