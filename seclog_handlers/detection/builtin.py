"""The built-in pack: rules that run when none are configured, each with the source of its threshold."""

from __future__ import annotations

from typing import Any

AUTHENTICATION = "suspicious_authentication_pattern"
ESCALATION = "privilege_escalation_attempt"
FLOOD = "potential_ddos_attack"

_TRUSTED = {"trusted": {"exists": True}}
_FAILURE = {"event_type": "authentication", "success": False}
_SEVERE = ["HIGH", "CRITICAL", "high", "critical"]
_SUCCESS = {"event_type": "authentication", "success": True}

# What an administrator may and others may not, in the words that applications use for permissions and
# actions.
_ADMIN = (
    r"(?i)(?:^|[^a-z])(?:admin|root|superuser|super_user|sysadmin|sudo|owner|system|impersonat|elevat|escalat"
    r"|privileg|grant|revoke|manage|delete|role|permission|configur|setting|shutdown|execute|all\b|\*)"
)
_PRIVILEGED = ("required_permissions", "missing_permissions", "action", "resource")


def _privileged(*, granted: bool) -> list[dict[str, Any]]:
    base = {"event_type": "authorization", "granted": granted}
    return [{**base, field: {"re": _ADMIN}} for field in _PRIVILEGED]


BUILTIN: tuple[dict[str, Any], ...] = (
    {
        "name": "brute_force_ip",
        "pattern": AUTHENTICATION,
        "severity": "HIGH",
        "where": _FAILURE,
        "by": ["ip_address"],
        "unless": _TRUSTED,
        "count": 5,
        "within": 600,
        "attack": ["T1110.001"],
        "owasp": "authn_login_fail_max",
        "reason": "fail2ban's defaults: maxretry 5, findtime 10 m",
    },
    {
        "name": "brute_force_user",
        "pattern": AUTHENTICATION,
        "severity": "HIGH",
        "where": _FAILURE,
        "by": ["username"],
        "unless": _TRUSTED,
        "count": 10,
        "within": 600,
        "attack": ["T1110.001"],
        "owasp": "authn_login_fail_max",
        "reason": "10 failures of one user in 10 m from any address; OWASP ASVS 2.2.1 allows no more than 100 an hour",
    },
    {
        "name": "password_spraying",
        "pattern": AUTHENTICATION,
        "severity": "HIGH",
        "where": _FAILURE,
        "by": ["ip_address"],
        "unless": _TRUSTED,
        "count": 15,
        "within": 3600,
        "distinct": {"field": "username", "count": 5, "per_value_max": 8},
        "attack": ["T1110.003"],
        "owasp": "authn_login_fail_max",
        "reason": "Elastic's password spraying rule: 5 users, 15 tries an hour from one source, at most 8 a user",
    },
    {
        "name": "success_after_failures",
        "pattern": AUTHENTICATION,
        "severity": "CRITICAL",
        "by": ["username"],
        "unless": _TRUSTED,
        "sequence": [{"where": _FAILURE, "count": 5}, {"where": _SUCCESS}],
        "within": 600,
        "resolve_after": 3600,
        "attack": ["T1110.001", "T1078"],
        "owasp": "authn_login_successafterfail",
        "reason": "OWASP Logging Vocabulary authn_login_successafterfail; 5 failures as fail2ban counts them",
    },
    {
        "name": "privilege_escalation",
        "pattern": ESCALATION,
        "severity": "HIGH",
        "where": _privileged(granted=False),
        "by": ["user_id"],
        "unless": _TRUSTED,
        "count": 3,
        "within": 300,
        "distinct": ["resource", "action", "required_permissions"],
        "attack": ["T1068", "T1548"],
        "owasp": "authz_fail",
        "reason": "OWASP AppSensor ACE1-ACE3: 3 different denied privileged actions of one user in 5 m",
    },
    {
        "name": "grant_after_denials",
        "pattern": ESCALATION,
        "severity": "CRITICAL",
        "by": ["user_id", "resource", "action"],
        "unless": _TRUSTED,
        "sequence": [
            {"where": _privileged(granted=False), "count": 3},
            {"where": _privileged(granted=True)},
        ],
        "within": 300,
        "resolve_after": 3600,
        "attack": ["T1068", "T1548"],
        "owasp": "authz_fail",
        "reason": "OWASP AppSensor ACE3: the privileged action that was denied 3 times in 5 m is then granted",
    },
    {
        "name": "flood_ip",
        "pattern": FLOOD,
        "severity": "HIGH",
        # An access record without event_type tells of a request that was counted before.
        "where": [{"event_type": "api_request"}, {"source": "access_log", "event_type": {"exists": True}}],
        "by": ["ip_address", "endpoint"],
        "unless": _TRUSTED,
        "count": 30,
        "within": 1,
        "resolve_after": 60,
        "attack": ["T1498", "T1499"],
        "owasp": "excess_rate_limit_exceeded",
        "reason": "CrowdSec's DoS scenario: 30 requests of one address to one endpoint within 1 s",
    },
    {
        "name": "flood_distributed",
        "pattern": FLOOD,
        "severity": "HIGH",
        "where": {"event_type": "rate_limit_violation"},
        "by": ["endpoint"],
        "unless": _TRUSTED,
        "count": 20,
        "within": 60,
        "distinct": "ip_address",
        "attack": ["T1498", "T1499"],
        "owasp": "excess_rate_limit_exceeded",
        "reason": "20 addresses over their limit at one endpoint within 1 m",
    },
    {
        "name": "security_event",
        "pattern": "{event_type}",
        "severity": "{severity}",
        "where": {"event_type": {"startswith": "security_"}, "severity": _SEVERE},
        "by": ["event_type"],
        "unless": [
            _TRUSTED,
            {"event_type": ["security_unhandled_exception"], "fingerprint": {"exists": True}},
            {"event_type": "security_alert"},
        ],
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "owasp": "malicious",
        "reason": "the application itself calls the event HIGH or CRITICAL",
    },
    {
        "name": "unhandled_exception",
        "pattern": "{event_type}",
        "severity": "{severity}",
        "where": {"event_type": "security_unhandled_exception", "severity": _SEVERE},
        "by": ["event_type", "fingerprint"],
        "unless": _TRUSTED,
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "attack": ["T1190"],
        "owasp": "sys_crash",
        "reason": "one incident for each kind of exception, so that one broken view is one alert",
    },
)
