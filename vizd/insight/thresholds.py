"""Thresholds by rule, as ``--insight-config`` gives them: JSON, checked against the table of rules.

{"shard-without-leader": {"after_s": 5}, "swim-flapping": {"enabled": false}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vizd.insight.rule import Rule
from vizd.insight.rules import RULES

__all__ = ["Thresholds", "thresholds_from_text"]

_ENABLED = "enabled"
_BY_NAME = {rule.name: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Those that were set; the others are the rules' own.

    :ivar given: by rule, then by name.
    """

    given: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()

    def is_enabled(self, rule: type[Rule]) -> bool:
        """It is to be followed."""
        return rule.name not in self.disabled

    def limits(self, rule: type[Rule]) -> Mapping[str, int]:
        """All thresholds of a rule, by name."""
        given = self.given.get(rule.name, {})
        return {each.name: given.get(each.name, each.default) for each in rule.thresholds}


def thresholds_from_text(text: str) -> Thresholds:
    """From JSON.

    :raises ValueError: one line that says where it is wrong and what would be right.
    """
    try:
        said = json.loads(text, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as why:
        raise ValueError(
            f"it is no JSON: {why.msg} in line {why.lineno}, column {why.colno}; use an object by rule"
        ) from None
    except RecursionError:
        raise ValueError("it is nested too deeply; use an object by rule") from None
    if not isinstance(said, dict):
        raise ValueError(f"it holds {_shown(said)}; use an object by rule")
    given: dict[str, dict[str, int]] = {}
    disabled = set()
    for name, values in said.items():
        rule = _BY_NAME.get(name)
        if rule is None:
            raise ValueError(f"{_shown(name)} is no rule; use {', '.join(_BY_NAME)}")
        if not isinstance(values, dict):
            raise ValueError(f"{name} is {_shown(values)}; use an object of thresholds")
        for key, value in values.items():
            if key == _ENABLED:
                if not isinstance(value, bool):
                    raise ValueError(f"{name}: enabled is {_shown(value)}; use true or false")
                if not value:
                    disabled.add(name)
            else:
                given.setdefault(name, {})[key] = _checked(rule, key, value)
    return Thresholds(given, frozenset(disabled))


def _checked(rule: type[Rule], key: str, value: Any) -> int:
    threshold = next((each for each in rule.thresholds if each.name == key), None)
    if threshold is None:
        names = ", ".join([*(each.name for each in rule.thresholds), _ENABLED])
        raise ValueError(f"{rule.name} has no {_shown(key)}; use {names}")
    # True is an int to Python.
    if type(value) is not int or not threshold.least <= value <= threshold.most:
        raise ValueError(
            f"{rule.name}: {key} is {_shown(value)}; use a whole number from {threshold.least} to {threshold.most}"
        )
    return value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for key, value in pairs:
        if key in said:
            raise ValueError(f"{_shown(key)} stands there twice; use it once")
        said[key] = value
    return said


def _shown(value: Any) -> str:
    return json.dumps(value)[:60]
