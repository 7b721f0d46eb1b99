"""Requests: paths that are guessed, scanners by what they do, floods."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.builtin.terms import FLOOD, TRUSTED

_REFUSED = [400, 403, 404]
# An access record without event_type tells of a request that was counted before.
_REQUEST: list[dict[str, Any]] = [
    {"event_type": "api_request"},
    {"source": "access_log", "event_type": {"exists": True}},
]

REQUESTS: tuple[dict[str, Any], ...] = (
    {
        "name": "path_enumeration",
        "severity": "MEDIUM",
        "where": {"event_type": ["api_response", "authorization"], "status_code": _REFUSED},
        "by": ["ip_address"],
        "unless": TRUSTED,
        "count": 10,
        "leak": 10,
        "silence": 60,
        "resolve_after": 600,
        "distinct": "endpoint",
        "attack": ["T1595"],
        "owasp": "malicious_attack_tool",
        "appsensor": ["RE1", "ACE2"],
        "reason": "CrowdSec's http-probing: a bucket of 10 different refused paths that leaks one every 10 s",
    },
    {
        "name": "scanner_behaviour",
        "severity": "MEDIUM",
        "where": {"event_type": ["api_response", "authorization"], "status_code": [*_REFUSED, 405, 414, 501]},
        "by": ["ip_address"],
        "unless": TRUSTED,
        "count": 15,
        "within": 3600,
        "distinct": {"field": "endpoint", "count": 12},
        "attack": ["T1595"],
        "owasp": "malicious_attack_tool",
        "appsensor": ["RE1"],
        "reason": "15 refused requests of one address for 12 different paths in 1 h: a scanner that takes its time",
    },
    {
        "name": "crawl",
        "severity": "MEDIUM",
        "where": _REQUEST,
        "by": ["ip_address"],
        "unless": TRUSTED,
        "count": 40,
        "leak": 0.5,
        "silence": 60,
        "distinct": "endpoint",
        "attack": ["T1595"],
        "owasp": "excess_rate_limit_exceeded",
        "appsensor": ["UT2"],
        "reason": "CrowdSec's http-crawl-non_statics: a bucket of 40 different paths that leaks one every 0.5 s",
    },
    {
        "name": "flood_ip",
        "pattern": FLOOD,
        "severity": "HIGH",
        "where": _REQUEST,
        "by": ["ip_address", "endpoint"],
        "unless": TRUSTED,
        "count": 30,
        "within": 1,
        "resolve_after": 60,
        "attack": ["T1498", "T1499"],
        "owasp": "excess_rate_limit_exceeded",
        "appsensor": ["UT2"],
        "reason": "CrowdSec's DoS scenario: 30 requests of one address to one endpoint within 1 s",
    },
    {
        "name": "flood_distributed",
        "pattern": FLOOD,
        "severity": "HIGH",
        "where": {"event_type": "rate_limit_violation"},
        "by": ["endpoint"],
        "unless": TRUSTED,
        "count": 20,
        "within": 60,
        "distinct": "ip_address",
        "attack": ["T1498", "T1499"],
        "owasp": "excess_rate_limit_exceeded",
        "appsensor": ["STE3"],
        "reason": "20 addresses over their limit at one endpoint within 1 m",
    },
    {
        "name": "flood_surge",
        "pattern": FLOOD,
        "severity": "HIGH",
        "where": _REQUEST,
        "by": ["endpoint/template"],
        "unless": TRUSTED,
        "count": 100,
        "within": 60,
        "measure": {"ewma": 3600, "gt": 5},
        "resolve_after": 300,
        "attack": ["T1498", "T1499"],
        "owasp": "excess_rate_limit_exceeded",
        "appsensor": ["STE3"],
        "reason": "more than 5 times the endpoint's average of the last hour, and 100 requests a minute",
    },
)
