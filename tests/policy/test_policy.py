"""One policy from three kinds of source, and the errors that stop the start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.policy import Policy
from tests.support import KEY

NESTED: dict[str, Any] = {
    "service": "payments",
    "static": {"environment": "prod"},
    "fields": {"ip_address": "src"},
    "access_log": {"trusted_proxies": ["10.0.0.0/8", "unix"], "login_paths": ["/in"]},
    "levels": False,
    "redact": {"keys": ["shibboleth"], "patterns": [r"X-[0-9]{4},[0-9]{2}"]},
    "pseudonyms": {"keys": [KEY], "fields": ["username"]},
    "ip": "truncate",
    "trusted": {"office": {"ranges": ["192.0.2.0/24"], "reason": "head office", "expires": "2030-01-01"}},
}
DOTTED: dict[str, Any] = {
    "service": "payments",
    "static.environment": "prod",
    "fields.ip_address": "src",
    "access_log.trusted_proxies": "10.0.0.0/8, unix",
    "access_log.login_paths": "/in",
    "levels": "off",
    "redact.keys": "shibboleth",
    "redact.patterns": r"X-[0-9]{4},[0-9]{2}",
    "pseudonyms.keys": KEY,
    "pseudonyms.fields": "username",
    "ip": "truncate",
    "trusted.office.ranges": "192.0.2.0/24",
    "trusted.office.reason": "head office",
    "trusted.office.expires": "2030-01-01",
}
INI = "[DEFAULT]\nunrelated = %(x)s\n[seclog]\n" + "\n".join(f"{key} = {value}" for key, value in DOTTED.items())
TOML = f"""
[seclog]
service = "payments"
static.environment = "prod"
fields.ip_address = "src"
levels = false
ip = "truncate"
redact.keys = ["shibboleth"]
redact.patterns = ['X-[0-9]{{4}},[0-9]{{2}}']
pseudonyms.keys = ["{KEY}"]
pseudonyms.fields = ["username"]
[seclog.access_log]
trusted_proxies = ["10.0.0.0/8", "unix"]
login_paths = ["/in"]
[seclog.trusted.office]
ranges = ["192.0.2.0/24"]
reason = "head office"
expires = 2030-01-01
"""


def settings(policy: Policy) -> dict[str, Any]:
    return policy._settings


def test_every_source_gives_the_same_policy(tmp_path: Path) -> None:
    """Nested and dotted mappings, INI and TOML twins are one policy."""
    (tmp_path / "p.ini").write_text(INI)
    (tmp_path / "p.toml").write_text(TOML)

    nested = settings(Policy.load(NESTED))

    assert settings(Policy.load(DOTTED)) == nested
    assert settings(Policy.load(str(tmp_path / "p.ini"))) == nested
    assert settings(Policy.load(tmp_path / "p.toml")) == nested


def test_no_policy_protects() -> None:
    """The defaults run all stages."""
    names = [type(stage).__name__ for stage in Policy.load(None).stages()]

    assert names == [
        "AccessLogFilter", "EventFilter", "RedactionFilter", "PseudonymFilter", "GeoIPFilter", "RiskFilter",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ("access_log", "AccessLogFilter"), ("events", "EventFilter"), ("redact", "RedactionFilter"),
        ("pseudonyms", "PseudonymFilter"), ("geoip", "GeoIPFilter"), ("risk", "RiskFilter"),
    ],
)  # fmt: skip
def test_a_stage_that_is_off_is_left_out(switch: str, gone: str) -> None:
    """`off` leaves out that stage and no other."""
    names = [type(stage).__name__ for stage in Policy.load({switch: "off"}).stages()]

    assert gone not in names
    assert len(names) == 5


def test_the_address_is_hidden_even_without_geo() -> None:
    """Switching the look-up off does not switch the `ip` policy off."""
    names = [type(stage).__name__ for stage in Policy.load({"geoip": "off", "ip": "token"}).stages()]

    assert "GeoIPFilter" in names


def test_secrets_come_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`env:` and `file:` references give the same tokens as the key itself."""
    (tmp_path / "keys").write_text(KEY + "\n")
    monkeypatch.setenv("TEST_SECLOG_KEYS", KEY)
    plain, env, file = (
        Policy.load({"pseudonyms.keys": value}).pseudonymizer.token("username", "bob")
        for value in (KEY, "env:TEST_SECLOG_KEYS", f"file:{tmp_path / 'keys'}")
    )

    assert plain == env == file


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"servise": "x"}, ["'servise'", "did you mean 'service'"]),
        ({"redact.key": "x"}, ["'redact.key'", "'redact.keys'"]),
        ({"nonsense": "x"}, ["'nonsense'", "the keys are"]),
        ({1: "x"}, ["1", "strings"]),
        ({"mode": "loud"}, ["mode is 'loud'", "full, observe, redact, off"]),
        ({"levels": "maybe"}, ["levels is 'maybe'", "'on' or 'off'"]),
        ({"ip": "hide"}, ["ip is 'hide'", "keep, truncate, token"]),
        ({"redact.keys": 7}, ["redact.keys is 7", "list of strings"]),
        ({"redact.keys": [7]}, ["redact.keys", "7"]),
        ({"service": ["x"]}, ["service is ['x']", "string"]),
        ({"access_log.trusted_proxies": "10.0.0.0/99"}, ["10.0.0.0/99"]),
        ({"trusted.office.range": "x"}, ["'trusted.office.range'", "did you mean"]),
        ({"trusted": {"office": {"ranges": "nowhere"}}}, ["trusted.office", "nowhere"]),
        ({"trusted": {"office": {"expires": "soon", "ranges": "10.0.0.0/8"}}}, ["trusted.office", "soon"]),
        ({"pseudonyms.keys": "short"}, ["16 bytes"]),
        ({"pseudonyms.keys": "env:TEST_SECLOG_UNSET"}, ["TEST_SECLOG_UNSET", "not set"]),
        ({"pseudonyms.keys": "file:/nonexistent/key"}, ["/nonexistent/key", "cannot be read"]),
        ({"redact.patterns": ["("]}, ["redact.patterns"]),
        ({"service": "a", "static": {"x": "1"}, "static.x": "2"}, ["static.x twice"]),
        ("policy.yaml", ["policy.yaml", ".toml"]),
        ("/nonexistent/policy.ini", ["/nonexistent/policy.ini", "No such file"]),
        (7, ["policy is 7"]),
    ],
)
def test_a_wrong_policy_is_one_clear_error(policy: Any, words: list[str]) -> None:
    """The text says what was given, the rule and the way out."""
    with pytest.raises(ConfigurationError) as caught:
        Policy.load(policy).stages()

    for word in words:
        assert word in str(caught.value)


def test_an_ini_without_the_section_is_an_error(tmp_path: Path) -> None:
    """A policy file that holds no policy is a mistake, not a default."""
    (tmp_path / "p.ini").write_text("[loggers]\nkeys = root\n")

    with pytest.raises(ConfigurationError, match=r"no section \[seclog\]"):
        Policy.load(str(tmp_path / "p.ini"))


@pytest.mark.parametrize("name", ["p.ini", "p.toml"])
def test_a_broken_file_does_not_show_its_lines(tmp_path: Path, name: str) -> None:
    """The error for a file that cannot be parsed never prints a line of it: it may be a key."""
    (tmp_path / name).write_text("[seclog]\npseudonyms.keys very-secret-key-material\n")

    with pytest.raises(ConfigurationError) as caught:
        Policy.load(str(tmp_path / name))

    assert "very-secret" not in str(caught.value)
    assert "line 2" in str(caught.value)


def test_a_short_key_is_never_shown() -> None:
    """The error about a key does not print the key."""
    with pytest.raises(ConfigurationError) as caught:
        Policy.load({"pseudonyms.keys": "k9:tooshort"})

    assert "tooshort" not in str(caught.value)


def test_a_policy_is_read_once(tmp_path: Path) -> None:
    """A Policy that exists already is taken as it is."""
    policy = Policy.load({"service": "x"})

    assert Policy.load(policy) is policy


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"level": "message"}, "fields.level is 'message', which is the name of 'message' as well"),
        (
            {"user_id": "actor", "username": "actor"},
            "fields.username is 'actor', which is the name of 'user_id' as well",
        ),
        ({"level": ""}, "fields.level is '', which is no name"),
    ],
)
def test_two_fields_with_one_name_stop_the_start(fields: dict[str, str], said: str) -> None:
    """A rename that would hide another field of the line is an error of the configuration."""
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        Policy({"fields": fields})


def test_two_fields_may_change_their_names() -> None:
    """A name is free once its field has another one."""
    assert Policy({"fields": {"level": "message", "message": "level"}}).fields == {
        "level": "message",
        "message": "level",
    }
