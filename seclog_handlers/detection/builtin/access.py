"""Access to what a user may not have: privileged actions, other people's things, roles."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.builtin.terms import DENIED, ESCALATION, GRANTED, TRUSTED

# What an administrator may and others may not, in the words that applications use for permissions and
# actions.
_ADMIN = (
    r"(?i)(?:^|[^a-z])(?:admin|root|superuser|super_user|sysadmin|sudo|owner|system|impersonat|elevat|escalat"
    r"|privileg|grant|revoke|manage|delete|role|permission|configur|setting|shutdown|execute|all\b|\*)"
)
_PRIVILEGED = ("required_permissions", "missing_permissions", "action", "resource")
_ROLE_CHANGE = (
    r"(?i)(?:grant|assign|add|change|set|update|revoke|remove|give|make)[ _.:-]?"
    r"(?:to[ _.:-]?)?(?:user[ _.:-]?)?(?:role|permission|privilege|group|admin|owner|superuser)"
)


def _privileged(base: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**base, field: {"re": _ADMIN}} for field in _PRIVILEGED]


ACCESS: tuple[dict[str, Any], ...] = (
    {
        "name": "privilege_escalation",
        "pattern": ESCALATION,
        "severity": "HIGH",
        "where": _privileged(DENIED),
        "by": ["user_id"],
        "unless": TRUSTED,
        "count": 3,
        "within": 300,
        "distinct": ["resource", "action", "required_permissions"],
        "attack": ["T1068", "T1548"],
        "owasp": "authz_fail",
        "appsensor": ["ACE1", "ACE2", "ACE3"],
        "reason": "OWASP AppSensor ACE1-ACE3: 3 different denied privileged actions of one user in 5 m",
    },
    {
        "name": "grant_after_denials",
        "pattern": ESCALATION,
        "severity": "CRITICAL",
        "by": ["user_id", "resource", "action"],
        "unless": TRUSTED,
        "sequence": [{"where": _privileged(DENIED), "count": 3}, {"where": _privileged(GRANTED)}],
        "within": 300,
        "resolve_after": 3600,
        "attack": ["T1068", "T1548"],
        "owasp": "authz_fail",
        "appsensor": ["ACE3"],
        "reason": "OWASP AppSensor ACE3: the privileged action that was denied 3 times in 5 m is then granted",
    },
    {
        "name": "role_change",
        "pattern": ESCALATION,
        "severity": "MEDIUM",
        "where": {**GRANTED, "action": {"re": _ROLE_CHANGE}},
        "by": ["user_id", "resource"],
        "unless": TRUSTED,
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "attack": ["T1098"],
        "owasp": "authz_change",
        "appsensor": ["ACE3"],
        "reason": "OWASP Logging Vocabulary authz_change: rights that change are worth a look, each time",
    },
    {
        "name": "horizontal_escalation",
        "pattern": ESCALATION,
        "severity": "HIGH",
        "where": DENIED,
        "by": ["user_id", "resource/template"],
        "unless": TRUSTED,
        "count": 10,
        "within": 300,
        "distinct": "resource",
        "attack": ["T1190"],
        "owasp": "authz_fail",
        "appsensor": ["ACE1"],
        "reason": "OWASP AppSensor ACE1: 10 different things of one kind denied to one user in 5 m",
    },
    {
        "name": "object_enumeration",
        "pattern": ESCALATION,
        "severity": "MEDIUM",
        "where": [{"source": "access_log", "status_code": [403, 404]}, {**DENIED, "endpoint": {"exists": True}}],
        "by": ["ip_address", "endpoint/template"],
        "unless": TRUSTED,
        "count": 10,
        "within": 300,
        "distinct": "endpoint",
        "attack": ["T1190", "T1595"],
        "owasp": "malicious_direct_reference",
        "appsensor": ["ACE1", "ACE2"],
        "reason": "insecure direct object references: 10 ids of one path refused to one address in 5 m",
    },
)
