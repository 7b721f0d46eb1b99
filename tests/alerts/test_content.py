"""What leaves the process: allow-listed, bounded, harmless to every reader."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts.channels import open_channels
from seclog_handlers.handlers.alerts.content import alert_of, bounded, decoded, defanged, encoded, line, title
from seclog_handlers.handlers.alerts.groups import Batch
from tests.alerts.records import alert
from tests.alerts.servers import closed_port, serving, until

PASSWORD = "hunt" + "er2"
CHANNELS = open_channels(["https://h.example.com/", "slack://T/B/X", "pagerduty://K", "smtps://h.example.com/?to=a@example.com"],
                         "LOW", 20)  # fmt: skip


def stored(record: logging.LogRecord) -> dict[str, Any]:
    """The alert as it comes out of the spool again."""
    content = decoded(encoded(alert_of(record, "host-1")))
    assert content is not None
    return content[1]


def payloads(content: dict[str, Any]) -> list[str]:
    batch = Batch("k", content["rule"], [{**content, "status": "firing"}], [])
    return [json.dumps(channel.payload(batch)) for channel in CHANNELS]


def test_only_known_fields_leave():
    """What is no field of an alert stays behind: other extras, message arguments, exceptions, tokens of the record."""
    record = alert(password=PASSWORD, exc_text=PASSWORD, stack_info=PASSWORD, args=(PASSWORD,), username=PASSWORD)

    assert PASSWORD not in json.dumps(stored(record))
    assert all(PASSWORD not in payload for payload in payloads(stored(record)))


class Hostile:
    """An object that must not be asked for its text."""

    def __repr__(self) -> str:
        raise AssertionError

    __str__ = __repr__


def test_objects_leave_as_the_name_of_their_type():
    """A value that is no plain data is not rendered."""
    assert stored(alert(reason=Hostile(), samples=[Hostile()]))["samples"] == ["<Hostile>"]
    assert stored(alert(reason=Hostile()))["reason"] == "<Hostile>"


def test_a_message_that_is_no_text_is_left_out():
    """The pattern is the record's message only if that is plain text."""
    assert stored(alert(msg=Hostile()))["pattern"] == "security_alert"


def test_missing_fields_are_made_up_for():
    """An alert of a rule of one's own with the barest of fields can still be grouped and told."""
    bare = stored(
        logging.makeLogRecord({"msg": "something", "event_type": "security_alert", "levelno": logging.CRITICAL})
    )

    assert bare["rule"] == "something"
    assert bare["severity"] == "CRITICAL"
    assert bare["incident_state"] == "open"
    assert bare["incident_id"]
    assert bare["host"] == "host-1"
    assert all(payloads(bare))


def test_a_large_alert_is_cut():
    """However large its fields are, a line of the spool has at most 32 kB, and its identity survives."""
    huge = {f"field_{number}": "x" * 5_000 for number in range(50)}
    text = encoded(alert_of(alert(samples=[huge] * 20, group=huge), "h"))

    assert len(text) <= 32_769
    assert json.loads(text)["alert"]["incident_id"] == "inc-1"


@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[31mred", "\u202eevil", "\u2028", "\x00", "\x85", "a\tb"])
def test_lines_show_what_is_invisible(text: str):
    """Control, line-breaking and bidi characters are shown as escapes."""
    shown = line(text)

    assert shown.isprintable()
    assert "\\" in shown
    assert line("größe 漢字") == "größe 漢字"


def test_addresses_in_what_an_attacker_wrote_are_no_links():
    """Samples and group values show addresses in a form that no program turns into a link."""
    assert "://" not in defanged("see https://evil.example and www.evil.example")
    assert "www." not in defanged("www.evil.example")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.tuples(st.text()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["rule", "severity", "incident_id", "incident_state", "dedup_key", "group", "count",
                                        "first_seen", "last_seen", "samples", "attack", "window_s", "service", "host",
                                        "runbook_url", "query", "reason", "msg"]), json_values))  # fmt: skip
def test_any_values_give_valid_payloads(fields: dict[str, Any]):
    """Whatever the fields hold, every channel gets a payload: JSON that any parser takes, a title of one line."""
    content = stored(alert(**fields))

    assert len(title(content).splitlines()) == 1
    for payload in payloads(content):
        assert json.loads(payload)
        assert payload.encode("utf-8")


@given(json_values)
def test_bounded_values_are_strict_json(value: Any):
    """What is stored is JSON without NaN, lone surrogates or integers that other parsers round."""
    text = json.dumps(bounded(value), allow_nan=False, ensure_ascii=False)

    text.encode("utf-8")


def test_a_failing_log_call_prints_no_content(capfd: pytest.CaptureFixture[str], spool: Path):
    """If an alert cannot even be taken, one line on stderr says so without its content, and the caller hears nothing."""
    handler = AlertHandler(["https://h.example.com/"], spool)
    record = alert(1)
    del record.__dict__["levelno"]
    record.__dict__.update(severity="?", msg=PASSWORD)
    handler.handle(record)

    said = capfd.readouterr().err
    assert "content is withheld" in said
    assert PASSWORD not in said
    assert handler.stats()["failed"] == 1


def test_notifications_name_what_was_held_back(handler: Callable[..., AlertHandler], spool: Path):
    """A notification delayed by the cap per minute says how many alerts waited."""
    batch = Batch("k", "r", [{**stored(alert()), "status": "firing"}], [], held_back=3, buried=2)
    texts = [json.dumps(channel.payload(batch)) for channel in CHANNELS]

    assert '"held_back": "3"' in texts[0]
    assert "3 alerts were held back" in texts[1]
    assert "3 alerts were held back" in texts[3]
    assert all("2" in text for text in texts)


def test_stderr_has_no_address(handler: Callable[..., AlertHandler], spool: Path):
    """The repr of a handler shows hosts only."""
    assert PASSWORD not in repr(handler(f"http://u:{PASSWORD}@127.0.0.1:{closed_port()}/{PASSWORD}", spool=spool))


def test_an_alert_of_unknown_severity_is_sent(handler: Callable[..., AlertHandler], spool: Path):
    """A word that is no severity counts as HIGH rather than getting lost."""
    with serving() as server:
        handler(server.url, spool=spool).handle(alert(severity="terrible"))

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]
