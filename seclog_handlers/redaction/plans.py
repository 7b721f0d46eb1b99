"""Remembers how the keys of a mapping are judged: programs log few sets of keys."""

from __future__ import annotations

from collections.abc import Callable

from seclog_handlers.redaction import structures
from seclog_handlers.redaction.budget import Budget
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.structures import MAX_NAME

# Each name with its rule.
Plan = tuple[tuple[str, Rule | None], ...]
# Instead of the rule of a field that another one may give a name: `extra={"key": "password", "value": ...}`.
NAMED = Rule("", "weak")
TEXT_ONLY = frozenset({str})
MAX_PLANS = 512
MAX_PLAN = 64
MAX_PLAN_TEXT = 4_096


class Plans:
    """Remembers how the keys of a mapping are judged: programs log few sets of keys.

    Args:
        rules: How keys are judged.
        text: Redacts one text: a key, too.
        usable: False if names alone do not tell, or keys may go.
    """

    def __init__(self, rules: KeyRules, text: Callable[[str, Budget], str], *, usable: bool) -> None:
        self._rules = rules
        self._text = text
        self._usable = usable
        self._outer: dict[tuple[str, ...], Plan | None] = {}
        self._inner: dict[tuple[str, ...], Plan | None] = {}

    def of(self, names: tuple[str, ...], *, inner: bool = False) -> Plan | None:
        """Return each name with its rule; None if they have to be judged one by one.

        Args:
            names: Keys, all text.
            inner: Whether they are those of a mapping inside a value, which may be an entry of name and value.
        """
        plans = self._inner if inner else self._outer
        try:
            return plans[names]
        except KeyError:
            plan = self._made(names, inner=inner)
        if len(names) <= MAX_PLAN and all(len(name) <= MAX_NAME for name in names):
            if len(plans) >= MAX_PLANS:
                plans.clear()
            plans[names] = plan
        return plan

    def _made(self, names: tuple[str, ...], *, inner: bool) -> Plan | None:
        if not self._usable or not TEXT_ONLY.issuperset(map(type, names)) or sum(map(len, names)) > MAX_PLAN_TEXT:
            return None
        if inner and structures.is_entry(names):
            return None
        budget = Budget()
        if any(self._text(name, budget) != name for name in names):
            return None
        entry = not inner and structures.is_entry(names)
        return tuple(
            [
                (name, NAMED if entry and structures.is_value_key(name.lower()) else self._of_one(name, names))
                for name in names
            ]
        )

    def _of_one(self, name: str, names: tuple[str, ...]) -> Rule | None:
        return structures.one_time(name, names) or self._rules.rule(name)
