"""What each channel sends, over real sockets and a real mail server."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts.channels import open_channels
from seclog_handlers.handlers.alerts.content import alert_of, decoded, encoded
from seclog_handlers.handlers.alerts.groups import Batch
from seclog_handlers.handlers.alerts.tools import send_test
from tests.alerts.records import alert
from tests.alerts.servers import Server, serving, status, until
from tests.support import PATIENCE, free_port

Make = Callable[..., AlertHandler]
KEY = "k" * 40


def test_the_webhook_body_is_alertmanagers(handler: Make, spool: Path):
    """A receiver of Alertmanager's version 4 finds every field, all labels and annotations as text."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(
            alert(runbook_url="https://runbooks.example.com/x", query="ip_address:ip_k1_1", reason="5 in 600 s")
        )
        until(lambda: server.accepted)
    body = server.accepted[0].json()
    one = body["alerts"][0]

    assert {name: body[name] for name in ("version", "status", "receiver", "groupLabels", "truncatedAlerts")} == {
        "version": "4", "status": "firing", "receiver": "seclog", "groupLabels": {"rule": "brute_force_ip"},
        "truncatedAlerts": 0}  # fmt: skip
    assert body["groupKey"] == '{}:{rule="brute_force_ip"}'
    assert one["labels"]["ip_address"] == "ip_k1_1"
    assert one["labels"]["severity"] == "HIGH"
    assert one["labels"]["pattern"] == "suspicious_authentication_pattern"
    assert one["startsAt"] == "2026-01-02T03:04:05.000Z"
    assert one["endsAt"] == "0001-01-01T00:00:00Z"
    assert len(one["fingerprint"]) == 16
    assert one["annotations"]["count"] == "5"
    assert len(json.loads(one["annotations"]["samples"])) == 3
    assert {"summary", "description", "runbook_url", "query", "incident_id", "reason"} <= set(one["annotations"])
    assert all(type(text) is str for text in [*one["labels"].values(), *one["annotations"].values()])


def test_the_end_of_an_incident_is_resolved(handler: Make, spool: Path):
    """The end carries status resolved, endsAt, and the fingerprint of the opening."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(1))
        until(lambda: server.accepted)
        alerts.handle(alert(1, "resolve", created=1_767_323_700.5))
        until(lambda: len(server.accepted) > 1)
    opened, closed = (request.json() for request in server.accepted)

    assert closed["status"] == "resolved"
    assert closed["alerts"][0]["endsAt"] == "2026-01-02T03:15:00.500Z"
    assert closed["alerts"][0]["fingerprint"] == opened["alerts"][0]["fingerprint"]


def test_a_key_signs_timestamp_and_body(handler: Make, spool: Path):
    """A receiver can check who sent a notification and when."""
    with serving() as server:
        alerts = handler({"url": server.url, "key": KEY}, spool=spool)
        alerts.handle(alert())
        until(lambda: server.accepted)
    request = server.accepted[0]
    signed = request.headers["x-seclog-timestamp"].encode() + b"." + request.body

    assert (
        request.headers["x-seclog-signature"] == "sha256=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    )
    assert request.headers["idempotency-key"]


def test_group_fields_become_valid_labels(handler: Make, spool: Path):
    """A group key that is no label name, or a name already taken, is written as one that is."""
    with serving() as server:
        alerts = handler(server.url, spool=spool)
        alerts.handle(alert(group={"ip_address/24": "10.0.0.0/24", "service": "x", "9lives": "y"}))
        until(lambda: server.accepted)
    labels = server.accepted[0].json()["alerts"][0]["labels"]

    assert labels["ip_address_24"] == "10.0.0.0/24"
    assert labels["service"] == "payments-api"
    assert labels["group_service"] == "x"
    assert labels["group_9lives"] == "y"


def test_pagerduty_triggers_and_resolves(handler: Make, spool: Path):
    """PagerDuty gets one trigger and one resolve with the same dedup_key and the routing key."""
    with serving(status(202)) as server:
        url = server.url.replace("http://", "pagerduty+http://R0UTING@").replace("/hook", "/v2/enqueue")
        alerts = handler(url, spool=spool)
        alerts.handle(alert(1, severity="CRITICAL", runbook_url="https://runbooks.example.com/x"))
        until(lambda: server.accepted)
        alerts.handle(alert(1, "resolve"))
        until(lambda: len(server.accepted) > 1)
    trigger, resolve = (request.json() for request in server.accepted)

    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == "brute_force_ip:1"
    assert trigger["routing_key"] == "R0UTING"
    assert trigger["payload"]["severity"] == "critical"
    assert {"summary", "source", "timestamp", "custom_details"} <= set(trigger["payload"])
    assert trigger["links"] == [{"href": "https://runbooks.example.com/x", "text": "Runbook"}]


def test_slack_gets_plain_text_blocks(handler: Make, spool: Path):
    """Slack parses nothing in what it gets: no mention, no link, no markup; addresses in samples are no links."""
    with serving() as server:
        alerts = handler(server.url.replace("http://", "slack+http://"), spool=spool)
        alerts.handle(alert(samples=["<!channel> *x* <https://evil.example|click>"], service="<a>&"))
        until(lambda: server.accepted)
    message = server.accepted[0].json()
    texts = [block["text"] for block in message["blocks"]]

    assert {text["type"] for text in texts} == {"plain_text"}
    assert "<" not in message["text"]
    assert "https://evil" not in str(message)
    assert len(texts[0]["text"]) <= 150


def test_a_message_about_several_rules_names_them(handler: Make, spool: Path):
    """What waits goes along with the first notification: one message, whose title names the rules, and no rest."""
    with serving() as server:
        url = server.url.replace("http://", "slack+http://")
        alerts = handler({"url": url, "min_severity": "LOW"}, spool=spool, group_wait=3_600)
        alerts.handle(alert(1, severity="LOW"))
        alerts.handle(alert(2, rule="password_spraying"))
        alerts.handle(alert(2, "resolve", rule="password_spraying"))
        alerts.close()
    texts = [request.json()["text"] for request in server.accepted]

    assert texts[0] == "[FIRING] brute_force_ip, password_spraying: 2 firing"
    assert texts[1].startswith("[RESOLVED] HIGH password_spraying")
    assert len(texts) == 2


def test_a_webhook_that_takes_ends_along_has_no_common_rule(handler: Make, spool: Path):
    """A notification about several rules has the labels that they share, and its own group key."""
    with serving() as server:
        alerts = handler(server.url, spool=spool, group_wait=3_600, resolve_wait=60)
        alerts.handle(alert(1))
        alerts.handle(alert(2, rule="password_spraying"))
        alerts.close()
    (body,) = (request.json() for request in server.accepted)

    assert (body["groupKey"], body["groupLabels"]) == ("{}:{}", {})
    assert "rule" not in body["commonLabels"]
    assert [one["labels"]["rule"] for one in body["alerts"]] == ["brute_force_ip", "password_spraying"]


def test_a_large_group_stays_readable_in_slack(handler: Make, spool: Path):
    """Beyond ten incidents Slack gets their number."""
    with serving() as server:
        alerts = handler(server.url.replace("http://", "slack+http://"), spool=spool, group_wait=3_600)
        for number in range(30):
            alerts.handle(alert(number))
        alerts.close()
    message = server.accepted[0].json()

    assert len(message["blocks"]) == 12
    assert "20 more incidents" in message["blocks"][-1]["text"]["text"]
    assert "30 firing" in message["text"]


class Mailbox:
    """Keeps what it gets; refuses as told."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answers: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.mails.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return answer


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    from aiosmtpd.controller import Controller

    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def test_mail_reaches_all_recipients(mailbox: tuple[Mailbox, int], handler: Make, spool: Path):
    """One plain-text mail goes to all recipients, with a Message-ID that stays the same for every attempt."""
    box, port = mailbox
    box.answers = ["451 try later"]
    alerts = handler(
        f"smtp://127.0.0.1:{port}/?to=ops@example.com,sec@example.com&from=seclog@example.com", spool=spool
    )
    alerts.handle(alert())
    until(lambda: box.mails)
    envelope, mail = box.mails[0]

    assert envelope.rcpt_tos == ["ops@example.com", "sec@example.com"]
    assert mail["Subject"].strip().startswith("[FIRING] HIGH brute_force_ip: ip_address ip_k1_1")
    assert mail.get_content_type() == "text/plain"
    assert "ip_address: ip_k1_1" in mail.get_content()
    until(lambda: alerts.stats()["delivered"])
    assert mail["Message-ID"].endswith("@seclog>")


def test_mail_headers_cannot_be_injected(mailbox: tuple[Mailbox, int], handler: Make, spool: Path):
    """Line breaks and control characters in a field show as text; no header and no recipient is added."""
    box, port = mailbox
    alerts = handler(f"smtp://127.0.0.1:{port}/?to=ops@example.com", spool=spool)
    alerts.handle(alert(service="x\r\nBcc: victim@example.com\r\n\r\nhello", rule="r\u202e\nX-Evil: 1"))
    until(lambda: box.mails)
    envelope, mail = box.mails[0]

    assert envelope.rcpt_tos == ["ops@example.com"]
    assert "Bcc" not in mail
    assert "X-Evil" not in mail
    assert r"r\u202e\nX-Evil: 1" in mail["Subject"]


def delivered(alerts: AlertHandler, record: logging.LogRecord) -> None:
    alerts.handle(record)
    until(lambda: alerts.stats()["delivered"])


def test_a_mail_server_that_refuses_one_recipient_still_delivers(
    mailbox: tuple[Mailbox, int], handler: Make, spool: Path
):
    """One wrong address does not keep the mail from the others; it is said once, by number."""
    box, port = mailbox
    url = f"smtp://127.0.0.1:{port}/?to=ops@example.com,nobody@example.com"
    alerts = handler(url, spool=spool)
    with pytest.warns(match="refuses 1 of 2 recipients"):
        delivered(alerts, alert())

    assert box.mails[0][0].rcpt_tos == ["ops@example.com"]


def test_a_mail_that_is_refused_for_its_content_is_put_aside(mailbox: tuple[Mailbox, int], handler: Make, spool: Path):
    """A permanent refusal of the content goes to the dead letters."""
    box, port = mailbox
    box.answers = ["554 spam"]
    alerts = handler(f"smtp://127.0.0.1:{port}/?to=ops@example.com", spool=spool)
    alerts.handle(alert())
    until(lambda: alerts.stats()["dead_lettered"])

    assert alerts.stats()["alerts"] == alerts.stats()["dead_lettered"] == 1


def test_every_channel_can_be_tested(mailbox: tuple[Mailbox, int]):
    """A test alert goes through each channel and is marked as one; what came back is reported."""
    box, port = mailbox
    with serving() as server, serving(status(403)) as strict:
        channels = open_channels([server.url, strict.url, f"smtp://127.0.0.1:{port}/?to=ops@example.com"], "HIGH", 20)
        results = send_test(channels)

        assert [(result.kind, result.detail) for result in results] == [
            ("delivered", "HTTP 200"), ("retry", "HTTP 403"), ("delivered", "accepted for 1 recipients")]  # fmt: skip
        assert server.accepted[0].json()["groupLabels"] == {"rule": "seclog_alert_test"}
    assert "This is a test" in box.mails[0][1].get_content()


def test_a_dry_run_sends_nothing_and_shows_no_secret():
    """The payloads are made, nothing is sent, and routing keys are withheld."""
    with serving() as server:
        pagerduty = server.url.replace("http://", "pagerduty+http://R0UTING@")
        results = send_test(open_channels([server.url, pagerduty], "HIGH", 20), dry_run=True)

        assert server.connections == 0
        assert [result.kind for result in results] == ["not sent", "not sent"]
        assert "R0UTING" not in str(results)


TLS = """
import sys
from seclog_handlers.handlers.alerts.channels import open_channels
from seclog_handlers.handlers.alerts.tools import send_test
result, = send_test(open_channels([sys.argv[1]], "HIGH", 20))
print(result.kind, result.detail)
"""


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl program to make a certificate")
@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_verified(trusted: bool, tmp_path: Path):
    """A certificate that nobody vouches for gets no alert; one that the system trusts does."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)  # fmt: skip
    with serving_tls(key, certificate) as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SSL_CERT_DIR": str(tmp_path / "none")}
        environment["SSL_CERT_FILE"] = str(certificate if trusted else tmp_path / "none")
        url = f"https://localhost:{server.server_address[1]}/hook"
        output = subprocess.run([sys.executable, "-c", TLS, url], env=environment, capture_output=True, text=True,
                                check=True, timeout=120).stdout  # fmt: skip

        assert output.startswith("delivered HTTP 200" if trusted else "retry SSLCertVerificationError")
        assert len(server.accepted) == trusted


def serving_tls(key: Path, certificate: Path) -> Any:
    import ssl
    from contextlib import contextmanager

    @contextmanager
    def serve() -> Iterator[Server]:
        with serving() as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            yield server

    return serve()


def test_a_server_that_speaks_no_tls_is_a_failure():
    """Garbage instead of a TLS handshake is a failed attempt like any other."""
    with serving() as server:
        url = server.url.replace("http://", "https://")
        (result,) = send_test(open_channels([{"url": url, "timeout": 0.3}], "HIGH", 20))

    assert result.kind == "retry"


def test_an_apprise_service_delivers():
    """With the extra, any Apprise URL is a channel."""
    pytest.importorskip("apprise")
    with serving() as server:
        url = f"json://127.0.0.1:{server.server_address[1]}/hook"
        (result,) = send_test(open_channels([url], "HIGH", 20))

        assert result.kind == "delivered"
        assert "This is a test" in server.accepted[0].json()["message"]


def test_an_apprise_service_gets_no_markup():
    """Services that read Markdown, mentions or tags in plain text find none in what an attacker wrote."""
    pytest.importorskip("apprise")
    with serving() as server:
        url = f"json://127.0.0.1:{server.server_address[1]}/hook"
        (channel,) = open_channels([url], "HIGH", 20)
        hostile = "@everyone <!channel> <@U1> **x** ~~y~~ `z` ||s|| [click](https://evil.example) <img src=x>"
        content = decoded(encoded(alert_of(alert(samples=[hostile], group={"username": hostile}), "h")))
        assert content is not None
        channel.deliver(Batch("k", "r", [{**content[1], "status": "firing"}], []))
        sent = server.accepted[0].json()

    assert not set("<>@`*~|") & set(sent["title"] + sent["message"])
    assert "://evil" not in sent["message"]
