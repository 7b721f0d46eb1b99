"""What holds for any input: nothing raises, nothing of the caller's changes, a second pass finds nothing."""

from __future__ import annotations

import copy
import logging
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seclog_handlers.redaction import Redactor

redactor = Redactor()
modes = [Redactor(censor=censor) for censor in ("[REDACTED]", "mask", "token", "remove", "<{kind}>")]
quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECRET = "S3cr3t" + "Valu3XyZ"
words = st.sampled_from([
    "password", "token", "api_key", "is", "for", "bob", "=", ":", "=>", '"', "'", "{", "}", "[", "]", "(", ")", ",", ";", "&", "?", "://", "@", "%3D", "%22", "\\u0022", "\\", "\n", "-----BEGIN PRIVATE KEY-----",
    "Bearer", "Basic", "Cookie:", "Authorization:", "hunter2", "abc123XYZ789", "https", "<password>", "</password>", "--password", "-p", "mysql", "\u200b", "\x1b[0m", "4111111111111111", "a@b.co", "+44 20 7946 0958", "[REDACTED]", "****", "AUTH",
    "eyJhbGciOiJIUzI1NiJ9", ".", "code", "123456", "session id", "value", "name", "\ue000", "é", "İ", "\ud800",
])  # fmt: skip
log_text = st.lists(st.tuples(words, st.sampled_from(["", " ", "  "])), max_size=14).map(
    lambda parts: "".join(a + b for a, b in parts)
) | st.text(max_size=60)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | log_text | st.binary(max_size=20)
keys = (
    st.sampled_from(["password", "a", "api-key", "name", "value", "user", "tokens", "Cookie"])
    | st.text(max_size=8)
    | st.integers()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4) | st.tuples(inner, inner) | st.frozensets(st.text(max_size=5), max_size=3),
    max_leaves=12,
)  # fmt: skip
SENSITIVE = [
    "password",
    "DB_PASSWORD",
    "apiKey",
    "client-secret",
    "access_token",
    "private_key",
    "passphrase",
    "sessionId",
    "Authorization",
    "cookie",
    "x-api-key",
    "user.password",
    "csrf_token",
]


@quick
@given(log_text)
def test_a_second_pass_changes_no_text(text: str) -> None:
    """Redacted text is benign to a further pass, whatever stands in the secrets' place."""
    for mode in modes:
        once = mode.text(text)

        assert mode.text(once) == once


@quick
@given(values)
def test_a_second_pass_changes_no_value(value: Any) -> None:
    """Redacted values are benign to a further pass."""
    once = redactor.value(value)

    assert redactor.value(once) == once


@quick
@given(values)
def test_callers_values_stay(value: Any) -> None:
    """Whatever is redacted, the object that was passed is what it was."""
    before = copy.deepcopy(value)

    redactor.value(value)

    assert value == before


@quick
@given(st.sampled_from(SENSITIVE), values, st.lists(st.sampled_from(["list", "dict", "tuple"]), max_size=8))
def test_a_secret_under_its_key_is_seen_at_any_depth(key: str, noise: Any, path: list[str]) -> None:
    """A secret planted under a sensitive key appears nowhere in the output."""
    value: Any = {key: SECRET, "noise": noise}
    for kind in path:
        value = [value, noise] if kind == "list" else {"inner": value} if kind == "dict" else (noise, value, 1)

    assert SECRET not in repr(redactor.value(value))


@quick
@given(values, values)
def test_any_message_renders(msg: Any, args: Any) -> None:
    """Whatever msg and args are, what comes back renders without an error."""
    clean, values_ = redactor.message(msg, args if isinstance(args, (tuple, dict)) else (args,))

    assert isinstance(logging.makeLogRecord({"msg": clean, "args": values_}).getMessage(), str)


@quick
@given(log_text, st.lists(log_text, max_size=3))
def test_any_template_renders(template: str, args: list[str]) -> None:
    """Templates with any number of conversions render with what comes back, and show no planted secret."""
    msg, values_ = redactor.message(template.replace("=", "=%s"), (*args, f"password={SECRET}"))

    assert SECRET not in logging.makeLogRecord({"msg": msg, "args": values_}).getMessage()


@quick
@given(st.dictionaries(st.text(max_size=10), values, max_size=5))
def test_fields_keep_their_names(fields: dict[str, Any]) -> None:
    """Every field is still there, under its name or what redaction made of it."""
    assert len(redactor.fields(fields)) <= len(fields)
    assert all(name in redactor.fields(fields) or redactor.text(name) != name for name in fields)
