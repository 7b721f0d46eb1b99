from __future__ import annotations

import pytest

from seclog_handlers.detection.conditions import compile_where, condition
from seclog_handlers.errors import ConfigurationError


def holds(where, event) -> bool:
    return condition(compile_where("rule", where))(event)


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ("login", "login", True),
        ("login", "Login", False),
        (False, False, True),
        (False, None, False),
        (False, "", False),
        (401, 401, True),
        (401, "401", True),
        (401, 403, False),
        ([401, 403], 403, True),
        (["a", "b"], "c", False),
        ("admin", ["user", "admin"], True),
        (None, None, True),
        ({"contains": "dmi"}, "admin", True),
        ({"contains": ["x", "min"]}, "admin", True),
        ({"startswith": "adm"}, "admin", True),
        ({"startswith": "min"}, "admin", False),
        ({"endswith": "min"}, "admin", True),
        ({"re": "^a.*n$"}, "admin", True),
        ({"re": "^40"}, 401, True),
        ({"re": "write"}, ["doc:read", "doc:write"], True),
        ({"gte": 500}, 500, True),
        ({"gte": 500}, "503", True),
        ({"gt": 500}, 500, False),
        ({"lt": 500}, 499.5, True),
        ({"lte": 500}, "abc", False),
        ({"gte": 1, "lt": 3}, 2, True),
        ({"gte": 1, "lt": 3}, 3, False),
        ({"cidr": "10.0.0.0/8"}, "10.1.2.3", True),
        ({"cidr": ["192.0.2.0/24", "2001:db8::/32"]}, "2001:db8::5", True),
        ({"cidr": "10.0.0.0/8"}, "not an address", False),
        ({"exists": True}, "x", True),
        ({"exists": True}, "", False),
        ({"exists": True}, {"name": "office"}, True),
        ({"exists": False}, None, True),
        ({"exists": False}, 0, False),
    ],
)
def test_judges_a_value(spec, value, expected):
    """Each kind of condition holds for the values that its name promises, and for no others."""
    assert holds({"field": spec}, {"field": value}) is expected


def test_all_conditions_of_a_mapping_must_hold():
    """A mapping asks for all of its conditions, and a missing field holds none."""
    where = {"a": 1, "b": {"exists": True}}

    assert holds(where, {"a": 1, "b": "x"})
    assert not holds(where, {"a": 1})


def test_one_mapping_of_a_list_is_enough():
    """A list of mappings holds when one of them does."""
    where = [{"a": 1}, {"b": 2, "c": 3}]

    assert holds(where, {"b": 2, "c": 3})
    assert not holds(where, {"b": 2})


def test_endpoint_is_read_under_its_other_names():
    """Rules write `endpoint`; events may call it path or api_endpoint."""
    where = {"endpoint": "/login"}

    assert holds(where, {"path": "/login"})
    assert holds(where, {"api_endpoint": "/login"})
    assert not holds(where, {"resource": "/login"})


def test_runs_no_code_of_the_value():
    """An object with an `__eq__` of its own is not asked whether it equals anything."""

    class Hostile:
        def __eq__(self, other):
            raise RuntimeError

        __hash__ = None

    assert not holds({"field": "x"}, {"field": Hostile()})
    assert not holds({"field": {"contains": "x"}}, {"field": Hostile()})
    assert holds({"field": {"exists": True}}, {"field": Hostile()})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"like": "x"}, "'like', which is no condition"),
        ({}, "empty condition"),
        ({"re": "("}, "regular expression"),
        ({"re": 5}, "give text"),
        ({"contains": ""}, "give text"),
        ({"cidr": "10.0.0.0/99"}, "network"),
        ({"gte": "many"}, "give a number"),
        ({"exists": "maybe"}, "'on' or 'off'"),
        ([{"a": 1}], "give text, a number"),
    ],
)
def test_refuses_what_cannot_work(spec, says):
    """A condition that cannot work stops the start with a sentence that names it."""
    with pytest.raises(ConfigurationError, match=says):
        compile_where("Rule 'x': where", {"field": spec})


def test_refuses_where_that_is_no_mapping():
    """Conditions are a mapping, or a list of mappings."""
    with pytest.raises(ConfigurationError, match="mapping"):
        compile_where("Rule 'x': where", "event_type")
