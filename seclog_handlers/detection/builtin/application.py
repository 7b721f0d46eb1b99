"""What the application says of itself: its own security events, exceptions, refused and crafted input."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.builtin.terms import TRUSTED

_SEVERE = ["HIGH", "CRITICAL", "high", "critical"]

# Control characters, ANSI escapes, bidirectional overrides, line separators, as they are or percent-encoded;
# look-ups that a vulnerable logger follows.
_CRAFTED = (
    r"[\x00-\x08\x0a-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]"
    r"|%(?:0[0-8aAbBcCdDeEfF]|1[0-9a-fA-F]|7[fF])|(?i:(?:\$|%24)(?:\{|%7b)(?:jndi|env|lower|upper|sys|\$))"
)
# What a client writes into an event without the application's help.
_CLIENTS_FIELDS = ("username", "user_agent", "endpoint", "failure_reason", "session_id", "auth_method")

APPLICATION: tuple[dict[str, Any], ...] = (
    {
        "name": "security_event",
        "pattern": "{event_type}",
        "severity": "{severity}",
        "where": {"event_type": {"startswith": "security_"}, "severity": _SEVERE},
        "by": ["event_type"],
        "unless": [
            TRUSTED,
            {"event_type": ["security_unhandled_exception"], "fingerprint": {"exists": True}},
            {"event_type": "security_alert"},
        ],
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "owasp": "malicious",
        "appsensor": ["CIE1"],
        "reason": "the application itself calls the event HIGH or CRITICAL",
    },
    {
        "name": "unhandled_exception",
        "pattern": "{event_type}",
        "severity": "{severity}",
        "where": {"event_type": "security_unhandled_exception", "severity": _SEVERE},
        "by": ["event_type", "fingerprint"],
        "unless": TRUSTED,
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "attack": ["T1190"],
        "owasp": "sys_crash",
        "appsensor": ["RP2"],
        "reason": "one incident for each kind of exception, so that one broken view is one alert",
    },
    {
        "name": "exception_burst",
        "severity": "HIGH",
        "where": {"event_type": "security_unhandled_exception"},
        "by": [],
        "unless": TRUSTED,
        "count": 20,
        "within": 60,
        "resolve_after": 600,
        "attack": ["T1190", "T1499"],
        "owasp": "sys_crash",
        "appsensor": ["STE1"],
        "reason": "20 unhandled exceptions of any kind in 1 m: something is broken, or being broken",
    },
    {
        "name": "input_validation_burst",
        "severity": "MEDIUM",
        "where": {"event_type": "security_input_validation_failure"},
        "by": ["ip_address"],
        "unless": TRUSTED,
        "count": 10,
        "within": 60,
        "resolve_after": 600,
        "attack": ["T1190"],
        "owasp": "input_validation_fail",
        "appsensor": ["IE1", "IE2"],
        "reason": "OWASP AppSensor IE1, IE2: 10 refused inputs of one address in 1 m are no typing errors",
    },
    {
        "name": "log_injection",
        "severity": "HIGH",
        "where": [{"event_type": {"exists": True}, field: {"re": _CRAFTED}} for field in _CLIENTS_FIELDS],
        "by": ["ip_address"],
        "unless": TRUSTED,
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "attack": ["T1190", "T1565.001"],
        "owasp": "malicious_extraneous",
        "appsensor": ["IE1", "CIE1"],
        "reason": "control characters, ANSI, bidi or ${jndi: in a field that a client writes",
    },
)
