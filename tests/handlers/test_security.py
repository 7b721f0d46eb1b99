"""SecurityHandler as its user sees it: what goes in, what comes out."""

from __future__ import annotations

import json
import logging
import logging.handlers
import re
from typing import Any

import pytest

import seclog_handlers as pack
from seclog_handlers.filters import Stage
from tests.support import BEARER, KEY, PASSWORD, Lines, record, secured

POLICY = {"pseudonyms.keys": [KEY], "geoip": "off", "service": "test"}


def test_the_main_job() -> None:
    """A failed login becomes one line: leveled, tokenised, scored, without a secret."""
    logger, out = secured()

    logger.info(
        "login failed for bob.smith password=%s",
        PASSWORD,
        extra={
            "event_type": "authentication", "username": "bob.smith", "auth_method": "password", "success": False,
            "ip_address": "203.0.113.7", "context": {"token": BEARER},
        },
    )  # fmt: skip

    (line,) = out.lines
    assert (line["level"], line["service"], line["event_type"]) == ("WARNING", "test", "authentication")
    assert line["username"].startswith("usr_k1_")
    assert line["message"] == f"login failed for {line['username']} password=[REDACTED]"
    assert line["context"] == {"token": "[REDACTED]"}
    assert line["ip_address"] == "203.0.113.7"
    assert 0 <= line["risk_score"] <= 100
    assert "bob.smith" not in out.text


def test_another_handler_sees_the_raw_record() -> None:
    """What the application logged is untouched for handlers beside ours."""
    logger, _ = secured()
    beside = logging.handlers.BufferingHandler(10)
    logger.addHandler(beside)
    context = {"password": PASSWORD}

    logger.info("password=%s", PASSWORD, extra={"context": context})

    (seen,) = beside.buffer
    assert seen.getMessage() == f"password={PASSWORD}"
    assert seen.context is context
    assert not any(key.startswith("_seclog") for key in seen.__dict__)


def test_an_identity_is_hidden_wherever_the_record_shows_it() -> None:
    """Message, arguments, path, extras and exception text hold the token, not the name."""
    logger, out = secured()

    try:
        raise PermissionError("user bob.smith may not")
    except PermissionError:
        logger.exception(
            "denied %s",
            "bob.smith",
            extra={"event_type": "authorization", "user_id": "bob.smith", "resource": "/home/bob.smith/x",
                   "granted": False, "note": ["for Bob.Smith"]},
        )  # fmt: skip

    (line,) = out.lines
    token = line["user_id"]
    assert "bob.smith" not in out.text.lower()
    assert line["message"] == f"denied {token}"
    assert line["resource"] == f"/home/{token}/x"
    assert token in line["exception"]


def test_numbers_and_text_are_one_user() -> None:
    """42000 and "42000" get the same token, and the number is hidden in the message's arguments."""
    logger, out = secured()

    logger.info("user %d", 42000, extra={"event_type": "authorization", "user_id": 42000, "granted": True})
    logger.info("user %s", "42000", extra={"event_type": "authorization", "user_id": "42000", "granted": True})

    first, second = out.lines
    assert first["user_id"] == second["user_id"]
    assert "42000" not in first["message"]


def test_two_email_usernames_are_two_tokens() -> None:
    """E-mail addresses as user names stay tellable apart."""
    logger, out = secured()

    for name in ("a@example.org", "b@example.org"):
        logger.info("login", extra={"event_type": "authentication", "username": name, "success": True})

    first, second = out.lines
    assert first["username"] != second["username"]
    assert "example.org" not in out.text


def test_a_token_in_the_users_name_is_data() -> None:
    """An attacker who logs in as somebody's token does not become that somebody."""
    logger, out = secured()
    logger.info("login", extra={"event_type": "authentication", "username": "bob", "success": True})
    token = out.lines[0]["username"]

    logger.info("login", extra={"event_type": "authentication", "username": token, "success": True})

    assert out.lines[1]["username"] != token


class Failing(Stage):
    def _apply(self, record: logging.LogRecord) -> None:
        raise RuntimeError(PASSWORD)


class FailingProtection(Failing):
    protects = True


@pytest.mark.parametrize(("stage", "kept"), [(Failing, True), (FailingProtection, False)])
def test_protection_fails_closed_and_enrichment_goes_without(stage: type[Stage], kept: bool) -> None:
    """A failing stage that protects withholds the record's text; another one costs only its own field."""
    out = Lines()
    handler = pack.SecurityHandler(target=out, policy=POLICY)
    handler._stages = (*handler._stages, stage())

    handler.handle(record("hello", event_type="authentication", note="text"))

    (line,) = out.lines
    assert line["seclog_error"] == [f"{stage.__name__}:RuntimeError"]
    assert (line["message"] == "hello") is kept
    assert ("note" in line) is kept
    assert line["event_type"] == "authentication"
    assert PASSWORD not in out.text


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(interrupt: type[BaseException]) -> None:
    """KeyboardInterrupt and SystemExit are not ours to swallow."""

    class Interrupted(Stage):
        def _apply(self, record: logging.LogRecord) -> None:
            raise interrupt

    handler = pack.SecurityHandler(target=Lines(), policy=POLICY)
    handler._stages = (Interrupted(),)

    with pytest.raises(interrupt):
        handler.handle(record())


def test_mode_off_passes_records_as_they_are() -> None:
    """With mode off the line is what the application logged."""
    logger, out = secured({"mode": "off"})

    logger.info("password=%s", PASSWORD, extra={"username": "bob.smith"})

    assert out.lines[0]["message"] == f"password={PASSWORD}"
    assert out.lines[0]["username"] == "bob.smith"


def test_mode_redact_protects_and_adds_nothing() -> None:
    """With mode redact secrets and identities are gone and nothing is added."""
    logger, out = secured({"mode": "redact", "pseudonyms.keys": [KEY]})

    logger.info(
        "password=%s", PASSWORD,
        extra={"event_type": "authentication", "username": "bob.smith", "success": False, "ip_address": "10.0.0.1"},
    )  # fmt: skip

    (line,) = out.lines
    assert line["level"] == "INFO"
    assert not {"risk_score", "geo_location"} & set(line)
    assert PASSWORD not in out.text
    assert "bob.smith" not in out.text


def test_the_environment_overrides_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """SECLOG_MODE is the switch for the person at 3 a.m."""
    monkeypatch.setenv("SECLOG_MODE", "off")
    logger, out = secured({"mode": "full"})

    logger.info("password=%s", PASSWORD)

    assert PASSWORD in out.text


def test_an_unknown_mode_in_the_environment_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error there is no silent default."""
    monkeypatch.setenv("SECLOG_MODE", "of")

    with pytest.raises(pack.ConfigurationError, match="SECLOG_MODE is 'of'"):
        pack.SecurityHandler(policy=POLICY)


@pytest.mark.parametrize(
    ("policy", "shown"),
    [("keep", "203.0.113.77"), ("truncate", "203.0.113.0/24"), ("token", "203.0.113.0/24")],
)
def test_the_ip_policy_hides_the_address_everywhere(policy: str, shown: str) -> None:
    """Unless kept, the raw address is nowhere on the line."""
    logger, out = secured({**POLICY, "ip": policy})

    logger.info(
        "from 203.0.113.77: %s", "203.0.113.77",
        extra={"event_type": "authentication", "success": False, "username": "bob", "ip_address": "203.0.113.77"},
    )  # fmt: skip

    assert out.lines[0]["ip_address"].startswith(shown)
    assert ("203.0.113.77" in out.text) is (policy == "keep")


def test_a_derived_field_of_the_application_is_kept_aside() -> None:
    """An application cannot give itself a risk score; what it wrote is not lost either."""
    logger, out = secured()

    logger.info("x", extra={"event_type": "authentication", "success": False, "risk_score": -1, "trusted": "me"})

    (line,) = out.lines
    assert line["extra.risk_score"] == -1
    assert line["risk_score"] >= 0
    assert "trusted" not in line
    assert line["extra.trusted"] == "me"


def test_trusted_sources_are_marked() -> None:
    """A named range is on the line with its reason."""
    policy: dict[str, Any] = {**POLICY, "trusted": {"office": {"ranges": "192.0.2.0/24", "reason": "head office"}}}
    logger, out = secured(policy)

    logger.info("x", extra={"event_type": "authentication", "success": False, "ip_address": "192.0.2.9"})

    assert out.lines[0]["trusted"] == {"name": "office", "reason": "head office"}


def test_levels_are_raised_never_lowered() -> None:
    """A failure logged as INFO is a WARNING; one logged as ERROR stays an ERROR."""
    logger, out = secured()
    event = {"event_type": "authentication", "success": False}

    logger.info("a", extra=event)
    logger.error("b", extra=event)

    assert [line["level"] for line in out.lines] == ["WARNING", "ERROR"]


def test_levels_can_be_left_alone() -> None:
    """`levels = off` leaves levels to the application."""
    logger, out = secured({**POLICY, "levels": "off"})

    logger.info("a", extra={"event_type": "authentication", "success": False})

    assert out.lines[0]["level"] == "INFO"


def test_static_fields_and_renames_reach_the_line() -> None:
    """Constant fields and the names that existing parsers expect come from the policy."""
    logger, out = secured({**POLICY, "static": {"environment": "prod"}, "fields": {"ip_address": "src_ip"}})

    logger.info("a", extra={"event_type": "authentication", "success": True, "ip_address": "203.0.113.7"})

    (line,) = out.lines
    assert (line["environment"], line["src_ip"]) == ("prod", "203.0.113.7")
    assert "ip_address" not in line


def test_a_dict_message_is_an_event() -> None:
    """The keys of a dict message are fields like those of `extra`: redacted, tokenised, scored, each once."""
    logger, out = secured()

    logger.info({"event_type": "authentication", "username": "al", "success": False, "password": PASSWORD, "name": 1})

    (line,) = out.lines
    assert (line["level"], line["password"], line["extra.name"]) == ("WARNING", "[REDACTED]", 1)
    assert line["username"].startswith("usr_")
    assert json.loads(line["message"])["username"] == line["username"]
    assert not {"extra.username", "extra.password"} & set(line)


@pytest.mark.parametrize(
    "call",
    [
        lambda logger: logger.info("x", extra={"details": {"username": "al", "n": [{"user_id": "bo"}]}}),
        lambda logger: logger.info("%(username)s %(user_id)s", {"username": "al", "user_id": "bo"}),
        lambda logger: logger.info({"who": {"username": "al", "user_id": "bo"}}),
    ],
)
def test_identities_inside_containers_are_tokens(call: Any) -> None:
    """An identity under its name is a token at any depth, in extras, in mapping arguments, in dict messages."""
    logger, out = secured()

    call(logger)

    assert '"al"' not in out.text
    assert not re.search(r"\b(al|bo)\b", out.text)
    assert out.text.count("usr_k") >= 2


@pytest.mark.parametrize(
    "call",
    [
        lambda logger: logger.info("user %d at %5.1f", 12345, 2.5, extra={"user_id": 12345}),
        lambda logger: logger.info("user %(user_id)d at %(at)5.1f", {"user_id": 42, "at": 2.5}),
        lambda logger: logger.info("user %(id)d at %(at)5.1f", {"id": 12345, "at": 2.5}, extra={"user_id": 12345}),
        lambda logger: logger.info("user %*d at %5.1f", 1, 12345, 2.5, extra={"user_id": 12345}),
        lambda logger: logger.info("100%% of user %d at %5.1f", 12345, 2.5, extra={"user_id": 12345}),
    ],
)
def test_a_number_that_becomes_a_token_still_renders(call: Any) -> None:
    """A conversion for numbers takes the token of a user id, and the other arguments stay as they were."""
    logger, out = secured()

    call(logger)

    assert re.fullmatch(r"(100% of )?user usr_k1_[0-9a-f]{32} at   2.5", out.lines[0]["message"])


def test_escalation_without_a_policy_takes_the_security_handlers_name_and_mode() -> None:
    """One policy on SecurityHandler is enough: alerts carry its service, and its `observe` pages nobody."""

    class SMTPHandler(Lines):
        """A channel by its name, as stdlib's is."""

    log, channel = Lines(), SMTPHandler()
    escalation = pack.EscalationHandler(target=log, targets=[channel])
    policy = {**POLICY, "mode": "observe", "static.environment": "prod"}
    handler = pack.SecurityHandler(target=Lines(), targets=[escalation], policy=policy)

    for _ in range(5):
        handler.handle(record("x", event_type="authentication", success=False, ip_address="203.0.113.7"))

    (alert,) = log.lines
    assert (alert["service"], alert["environment"], alert["mode"]) == ("test", "prod", "observe")
    assert alert["dedup_key"].startswith("test:")
    assert not {"extra.service", "extra.environment"} & set(alert)
    assert channel.lines == []


def test_sampling_leaves_out_what_it_says_and_starves_no_rule() -> None:
    """Of many like records few are written, a summary says how many were not, and every one is judged."""
    out, alerts = Lines(), Lines()
    rules = [{"name": "many", "where": {"event_type": "api_request"}, "by": ["path"], "count": 50, "within": 60}]
    escalation = pack.EscalationHandler(target=alerts, rules=rules)
    policy = {**POLICY, "sampling": {"api_request": {"first": 2, "then": 1000}}}
    handler = pack.SecurityHandler(target=out, targets=[escalation], policy=policy)

    for _ in range(50):
        handler.handle(record("x", event_type="api_request", path="/a", created=1000.0))
    handler.close()

    assert [line["message"] for line in alerts.lines] == ["many"]
    assert [line.get("left_out") for line in out.lines] == [None, None, {"api_request": 48}]
    assert handler.report()["targets"]["Lines"]["dropped"] == {"sampled": 48}


def test_an_open_incident_raises_the_risk_of_its_user() -> None:
    """The risk model listens to the alerts of the handler behind it, without a word in the configuration."""
    escalation = pack.EscalationHandler(target=Lines())
    out = Lines()
    handler = pack.SecurityHandler(target=out, targets=[escalation], policy=POLICY)

    for number in range(6):
        fields = {"success": False, "username": "bob", "ip_address": "203.0.113.7", "created": 1000.0 + number}
        handler.handle(record("x", event_type="authentication", **fields))

    names = [{factor["name"] for factor in line["risk_factors"]} for line in out.lines]
    assert "open_incident" in names[5]
    assert "open_incident" not in names[4]


@pytest.mark.parametrize("censor", ["[REDACTED]", "***", "<{kind}>", "mask", "token"])
def test_what_redaction_left_is_nobodys_identity(censor: str) -> None:
    """A marker in an identity's place gets no token, and no other marker of the record becomes one."""
    logger, out = secured({**POLICY, "redact.censor": censor})

    logger.info("password=%s", PASSWORD, extra={"details": {"email": "eve@example.org", "pwd": PASSWORD}})

    (line,) = out.lines
    assert not re.search(r"(usr|eml)_k", out.text)
    assert line["details"].keys() == {"email", "pwd"}
    assert PASSWORD not in out.text
    assert "eve@" not in out.text


def test_filters_of_their_own_agree_on_what_is_left() -> None:
    """RedactionFilter and PseudonymFilter in a row on any handler: a redacted e-mail address stays redacted."""
    out = Lines()
    out.addFilter(pack.RedactionFilter())
    out.addFilter(pack.PseudonymFilter(keys=[KEY]))

    out.handle(record("password=%s", (PASSWORD,), username="a@example.org"))

    (line,) = out.lines
    assert (line["message"], line["username"]) == ("password=[REDACTED]", "[REDACTED]")


def test_rotating_keys_resets_no_window_of_an_address() -> None:
    """With `ip = token` five failures alert, although the newest key changes after the second one."""
    alerts = Lines()
    rules = [
        {"name": "guessing", "where": {"event_type": "authentication"}, "by": ["ip_address"], "count": 5, "within": 600}
    ]
    old, new = [KEY], [KEY, "k2:fedcba9876543210fedcba9876543210"]
    escalation = pack.EscalationHandler(target=alerts, rules=rules, policy={"pseudonyms.keys": old})

    for number in range(5):
        keys = old if number < 2 else new
        handler = pack.SecurityHandler(
            target=Lines(), targets=[escalation], policy={"pseudonyms.keys": keys, "ip": "token"}
        )
        handler.handle(record("x", event_type="authentication", success=False, ip_address="203.0.113.7"))

    assert len(alerts.lines) == 1


def test_a_dict_message_with_long_names_keeps_its_fields() -> None:
    """A name of a hundred characters is a field like any other; one of two thousand is seen in the message only."""
    out = Lines()
    name, longer = "n" * 100, "l" * 2000

    pack.SecurityHandler(out, policy={"pseudonyms.keys": KEY}).handle(record({name: "seen", longer: "beyond"}))

    assert out.lines[0][name] == "seen"
    assert longer not in out.lines[0]
