from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.rendering import _json, dumps
from tests.formatters.hostile_records import VALUES

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary()
KEYS = st.text(st.characters()) | st.integers() | st.none() | st.floats() | st.booleans() | st.tuples(st.integers())
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner) | st.frozensets(SCALARS),
    max_leaves=30,
)


def both(value):
    """Return what orjson writes, and what the stdlib writes when orjson cannot be imported."""
    _json.fast_encoder.cache_clear()
    assert _json.fast_encoder() is not None
    fast = dumps(value)
    installed = sys.modules["orjson"]
    sys.modules["orjson"] = None
    _json.fast_encoder.cache_clear()
    try:
        assert _json.fast_encoder() is None
        return fast, dumps(value)
    finally:
        sys.modules["orjson"] = installed
        _json.fast_encoder.cache_clear()


def strict(line):
    def unique(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(line, object_pairs_hook=unique, parse_constant=pytest.fail)


@pytest.fixture(autouse=True)
def _orjson():
    pytest.importorskip("orjson")


@given(TREES)
def test_same_values_with_orjson_and_without(value):
    """Both encoders give strict JSON, one line each, that parses to the same values."""
    fast, slow = both(value)

    assert strict(fast) == strict(slow)
    assert len(fast.splitlines()) == len(slow.splitlines()) == 1
    assert fast.encode()
    assert slow.encode()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_plain_data_comes_back(value):
    """What JSON can say parses to what it was."""
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize("name", [name for name in VALUES if name != "lies about its class"])
def test_hostile_values_are_the_same_too(name):
    """Both encoders agree about hostile values (whose text does not change from one look to the next)."""
    value = VALUES[name]()

    fast, slow = both(value)

    assert strict(fast) == strict(slow)


@pytest.mark.parametrize(
    "character", ["\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\U000e0041"]
)
def test_escapes_what_terminals_and_line_readers_heed(character):
    """JSON may hold these raw; a line of ours does not, and still means them."""
    line = dumps({"a" + character: character})

    assert character not in line
    assert json.loads(line) == {"a" + character: character}


def test_keeps_other_letters_readable():
    """Letters outside ASCII stand as they are."""
    assert dumps(["é", "漢", "😀"]) == '["é","漢","😀"]'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "null"),
        ([2**63, 2**64], '[9223372036854775808,"18446744073709551616"]'),
        ("\ud800", '"\\\\ud800"'),
        ({"a": {"b": ()}}, '{"a":{"b":[]}}'),
    ],
)
def test_writes_what_json_cannot_say(value, expected):
    """NaN is null, longer integers are text, lone surrogates are written out."""
    assert dumps(value) == expected
