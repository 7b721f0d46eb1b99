"""Places that give names in records: columns of tables, lists of names and values by turns, logins of calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.values import looks_chosen

MAX_NAME = 64
MAX_ITEMS = 64
PAIR = 2


def may_be(names: Sequence[str]) -> bool:
    """Tell whether a mapping with these keys may be a table, or hold a login: its values say how others are judged."""
    if not _TABLES.isdisjoint(names) and (any(key in names for key in _COLUMNS) or "rows" in names):
        return True
    return not _LOGINS.isdisjoint(names) or ("method" in names and "params" in names)


def table(value: Mapping[Any, Any], rules: KeyRules) -> tuple[str, list[Rule | None]] | None:
    """Return which member of a mapping holds the rows of a table, and the rule of each of its columns.

    None for any other: `{"columns": ["id", "password"], "rows": [[1, "x"]]}`.
    """
    names = next((value[key] for key in _COLUMNS if type(value.get(key)) in (list, tuple)), None)
    rows = next((key for key in ROWS if type(value.get(key)) in (list, tuple)), None)
    if names is None and rows is not None and len(value[rows]) > 1 and _is_header(value[rows][0]):
        names = value[rows][0]
    if names is None or rows is None or not 0 < len(names) <= MAX_COLUMNS:
        return None
    found = [rules.rule(name) if type(name) is str and len(name) <= MAX_NAME else None for name in names]
    if not TALLY.isdisjoint(name for name in names if type(name) is str):  # ["check", "pass", "fail"]
        return None
    return (rows, found) if any(found) and not all(found) else None


def _is_header(row: Any) -> bool:
    """Tell whether a row names the columns of a table; of two columns each row may be a name and its value."""
    if type(row) not in (list, tuple) or len(row) < LEAST_COLUMNS:
        return False
    return all(type(name) is str and _HEADER_NAME.fullmatch(name) for name in row)


LEAST_COLUMNS = 3


_COLUMNS, ROWS = ("columns", "fields", "headers", "header", "column_names"), ("rows", "data", "values", "records")
_TABLES = frozenset(ROWS)
MAX_COLUMNS = 64


def login_of(value: Mapping[Any, Any], key: Any) -> bool:
    """Tell whether a member is a user's name and password: {"login": ["bob", "x"]}, the parameters of a call of it."""
    item = value[key]
    if type(item) not in (list, tuple) or len(item) != PAIR or not all(type(part) is str for part in item):
        return False
    method = value.get("method")
    called = key == "params" and type(method) is str and method in _LOGINS
    return (called or key in _LOGINS) and _PASSWORD_LIKE.match(item[1]) is not None


# No user's name, no provider's: {"signin": ["google", "auth0"]}
_PASSWORD_LIKE = re.compile(r"\S{0,64}?[!@#$%^&*+=?~]\S|(?=\S{0,64}?[a-z])(?=\S{0,64}?[A-Z])(?=\S{0,64}?\d)\S{8}")
_LOGINS = frozenset({"login", "logon", "signin", "sign_in", "authenticate", "userpass", "user_pass"})
TALLY = frozenset({"total", "count", "fail", "failed", "fails", "failures", "skip", "skipped"})


def alternating(value: Sequence[Any], rules: KeyRules) -> list[Rule | None] | None:
    """Return the rule of each item of a list that holds names and their values by turns, as Node's raw headers do.

    None for any other: a list of names holds no value that looks like a secret behind a secret's name.
    """
    if not MIN_TURNS <= len(value) <= MAX_ITEMS or len(value) % 2:
        return None
    names = value[::2]
    if not all(type(name) is str and _HEADER_NAME.fullmatch(name) for name in names):
        return None
    found = [rules.rule(name) for name in names]
    turns: list[Rule | None] = []
    for rule, item in zip(found, value[1::2], strict=True):
        strong = rule is not None and rule.sort != "weak" and type(item) is str and looks_chosen(item)
        turns += [None, rule if strong else None]
    return turns if any(turns) else None


MIN_TURNS = 4
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}")
