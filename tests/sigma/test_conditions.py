from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seclog_handlers.detection.sigma.predicates import MANY, ONE, compile_formula, compile_shape
from tests.sigma.rules import matches, single, written

CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("path: /admin", {"path": "/Admin"}, True),
    ("path: /admin", {"path": "/admin/x"}, False),
    ("path: /adm*", {"path": "/ADMIN/x"}, True),
    ("path: '/a*c?e*g'", {"path": "/aXcXeYYYg"}, True),
    ("path: '/a*c?e*g'", {"path": "/aceg"}, False),
    ("path|contains: ADMIN", {"path": "/x/admin/y"}, True),
    ("path|contains|cased: ADMIN", {"path": "/x/admin/y"}, False),
    ("path|startswith: /API", {"path": "/api/v1"}, True),
    ("path|endswith: .PHP", {"path": "/x.php"}, True),
    ("path|endswith: .php", {"path": "/x.php5"}, False),
    ("path|contains|all: [a, b]", {"path": "xbxa"}, True),
    ("path|contains|all: [a, b]", {"path": "xb"}, False),
    ("path|contains: [a, b]", {"path": "xb"}, True),
    ("path|re: '^/a[0-9]+$'", {"path": "/a12"}, True),
    ("path|re: '^/a[0-9]+$'", {"path": "/A12"}, False),
    ("path|re|i: '^/a[0-9]+$'", {"path": "/A12"}, True),
    ("ip_address|cidr: 10.0.0.0/8", {"ip_address": "10.2.3.4"}, True),
    ("ip_address|cidr: 10.0.0.0/8", {"ip_address": "11.2.3.4"}, False),
    ("status_code|gte: 500", {"status_code": 503}, True),
    ("status_code|gte: 500", {"status_code": "499"}, False),
    ("status_code|lt: 500", {"status_code": 200}, True),
    ("status_code: [401, 403]", {"status_code": 403}, True),
    ("status_code: '4*'", {"status_code": 404}, True),
    ("status_code|gt: 1\n  status_code|lt: 3", {"status_code": 2}, True),
    ("status_code|gt: 1\n  status_code|lt: 3", {"status_code": 3}, False),
    ("success: false", {"success": False}, True),
    ("success: 'false'", {"success": False}, True),
    ("session_id: null", {}, True),
    ("session_id: null", {"session_id": "x"}, False),
    ("session_id|exists: true", {"session_id": "x"}, True),
    ("session_id|exists: false", {"session_id": "x"}, False),
    ("details|windash|contains: ' -enc'", {"details": "run /ENC now"}, True),
    ("details|windash|contains: ' -enc'", {"details": "run enc now"}, False),
    ("details|base64offset|contains: 'secret word'", {"details": "c2VjcmV0IHdvcmQ"}, True),
    ("required_permissions: admin", {"required_permissions": ["read", "Admin"]}, True),
    # Names of ECS, of web server logs and others
    ("source.ip: 10.1.1.1", {"ip_address": "10.1.1.1"}, True),
    ("user.name: BOB", {"username": "bob"}, True),
    ("http.response.status_code: 404", {"status_code": 404}, True),
    ("url.path|startswith: /wp-", {"path": "/wp-login.php"}, True),
    ("cs-uri-query|contains: '../'", {"query_params": {"file": "../../etc"}}, True),
    ("cs-uri|contains: 'union select'", {"path": "/x", "query_params": {"q": ["1 UNION SELECT 2"]}}, True),
    ("cs-user-agent|contains: sqlmap", {"user_agent": "SQLMap/1.7"}, True),
    ("event.action: delete", {"action": "delete"}, True),
    ("event.outcome: failure", {"event_type": "authentication", "success": False}, True),
    ("event.outcome: failure", {"event_type": "authorization", "granted": False}, True),
    ("event.outcome: failure", {"event_type": "authentication", "success": True}, False),
    ("event.category: authentication", {"event_type": "authentication"}, True),
    ("event.category: web", {"event_type": "security_x"}, False),
    ("source.geo.country_iso_code: KP", {"geo_location": {"country": "KP"}}, True),
    ("some.field: x", {"some.field": "X"}, True),
]


@pytest.mark.parametrize(("item", "event", "meant"), CASES)
def test_a_condition_means_what_sigma_says(tmp_path: Path, item: str, event: dict[str, Any], meant: bool) -> None:
    """Modifiers, wildcards, case, types and field names decide as the Sigma specification has it."""
    path = single(tmp_path, f"sel:\n  {item}\ncondition: sel")

    assert matches(path, event) is meant


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("a and b", lambda a, b, c: a and b),
        ("a or b", lambda a, b, c: a or b),
        ("a and not b", lambda a, b, c: a and not b),
        ("not a", lambda a, b, c: not a),
        ("not (a or b) and c", lambda a, b, c: not (a or b) and c),
        ("a and not (b and c)", lambda a, b, c: a and not (b and c)),
        ("(a or b) and (b or c)", lambda a, b, c: (a or b) and (b or c)),
        ("1 of a* or b", lambda a, b, c: a or b),
        ("all of them", lambda a, b, c: a and b and c),
        ("1 of them", lambda a, b, c: a or b or c),
        ("not 1 of them", lambda a, b, c: not (a or b or c)),
        ("not all of them", lambda a, b, c: not (a and b and c)),
        ("a and (not b or (c and not (a and b)))", lambda a, b, c: a and (not b or (c and not (a and b)))),
    ],
)
def test_conditions_are_boolean_logic(tmp_path: Path, condition: str, meant: Any) -> None:
    """and, or, not, parentheses, `1 of` and `all of` decide like the same words in Python, for all eight cases."""
    path = single(
        tmp_path,
        f"""
        a:
          path: /a
          method: get
        b:
          user_agent|contains: b
        c:
          status_code|gte: 400
        condition: {condition}
        """.replace("        ", ""),
    )

    for case in range(8):
        a, b, c = bool(case & 1), bool(case & 2), bool(case & 4)
        event = {
            "path": "/a",
            "method": "GET" if a else "PUT",
            "user_agent": "xbx" if b else "-",
            "status_code": 404 if c else 200,
        }
        assert matches(path, event) is bool(meant(a, b, c)), (a, b, c)


def test_a_search_without_a_field_looks_into_the_event(tmp_path: Path) -> None:
    """Keywords are found in message, path, query and the other texts of an event, in any case."""
    path = single(tmp_path, "kw: ['/etc/passwd', 'union*select']\ncondition: kw")

    assert matches(path, {"msg": "read /ETC/passwd"})
    assert matches(path, {"query_params": {"q": "1 UNION ALL SELECT 2"}})
    assert not matches(path, {"msg": "nothing", "path": "/"})


def test_a_log_source_says_which_events_are_meant(tmp_path: Path) -> None:
    """`category: authentication` restricts a rule to authentication events."""
    path = written(
        tmp_path,
        """
        title: A
        logsource: {category: authentication}
        detection: {sel: {username: bob}, condition: sel}
        """,
    )

    assert matches(path, {"event_type": "authentication", "username": "bob"})
    assert not matches(path, {"event_type": "authorization", "username": "bob"})


@given(st.text("abAB?c", max_size=12), st.lists(st.sampled_from(["a", "b", "ab", MANY, ONE]), min_size=1, max_size=6))
def test_wildcards_match_as_the_naive_definition_does(text: str, shape: list[Any]) -> None:
    """`*` is any text, `?` one character: equal to trying every possibility."""

    def naive(rest: str, parts: list[Any]) -> bool:
        if not parts:
            return not rest
        head, *tail = parts
        if head == MANY:
            return any(naive(rest[cut:], tail) for cut in range(len(rest) + 1))
        if head == ONE:
            return bool(rest) and naive(rest[1:], tail)
        return rest.startswith(head) and naive(rest[len(head) :], tail)

    assert compile_shape(shape)(text.lower()) is naive(text.lower(), shape)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_makes_a_condition_fail(value: Any) -> None:
    """Whatever an event holds, a condition is decided."""
    test = compile_formula("a rule", ["or", ["text", [0, "x", 1, 0, "y"]], ["not", ["is", {"gte": 5}]]])

    assert test(value) in (True, False)


def test_what_is_negated_at_the_top_becomes_unless(tmp_path: Path) -> None:
    """A filter costs nothing but itself: it is not multiplied out into the alternatives."""
    from seclog_handlers.detection.sigma import load

    names = [f"f{number}" for number in range(12)]
    filters = "\n".join(f"{name}:\n  path: /{name}\n  method: get\n  status_code: 200" for name in names)
    path = single(tmp_path, f"sel:\n  event_type: api_request\n{filters}\ncondition: sel and not 1 of f*")

    ((mapping, _),) = load(path)

    assert mapping["where"] == {"event_type": "api_request"}
    assert len(mapping["unless"]) == len(names)
    json.dumps(mapping)
