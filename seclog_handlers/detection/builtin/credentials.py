"""Attacks on passwords: guessing, spraying, stuffing, from one address, a network or many; and their success."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.builtin.terms import ATTACK_GOES_ON, AUTHENTICATION, FAILURE, SUCCESS, TRUSTED


def _guessing(name: str, reason: str, **keywords: Any) -> dict[str, Any]:
    """Return a rule about failed logins."""
    return {
        "name": name, "pattern": AUTHENTICATION, "severity": "HIGH", "where": FAILURE, "unless": TRUSTED,
        "resolve_after": ATTACK_GOES_ON, "attack": ["T1110.001"], "owasp": "authn_login_fail_max",
        "appsensor": ["AE2"], "reason": reason, **keywords,
    }  # fmt: skip


CREDENTIALS: tuple[dict[str, Any], ...] = (
    _guessing(
        "brute_force_ip",
        "fail2ban's defaults: maxretry 5, findtime 10 m",
        by=["ip_address"],
        count=5,
        within=600,
        inhibits=["brute_force_ip_fast", "brute_force_ip_slow", "brute_force_user"],
    ),
    _guessing(
        "brute_force_ip_fast",
        "CrowdSec's ssh-bf: a bucket of 5 that leaks one every 10 s",
        by=["ip_address"],
        count=5,
        leak=10,
        silence=60,
    ),
    _guessing(
        "brute_force_ip_slow",
        "10 failures of one address in 24 h: what stays under fail2ban's window",
        severity="MEDIUM",
        by=["ip_address"],
        count=10,
        within=86400,
        resolve_after=86400,
    ),
    _guessing(
        "brute_force_user",
        "10 failures of one user in 10 m from any address; OWASP ASVS 2.2.1 allows no more than 100 an hour",
        by=["username"],
        count=10,
        within=600,
    ),
    _guessing(
        "brute_force_user_hard",
        "OWASP ASVS 2.2.1: no more than 100 failed attempts an hour on one account",
        by=["username"],
        count=100,
        within=3600,
    ),
    _guessing(
        "brute_force_network",
        "fail2ban issue 927 asks for it: 3 hosts of one /24 and 5 failures in 24 h",
        severity="MEDIUM",
        by=["ip_address/24"],
        count=5,
        within=86400,
        resolve_after=86400,
        distinct={"field": "ip_address", "count": 3},
        inhibits=["brute_force_ip", "brute_force_ip_slow"],
    ),
    _guessing(
        "brute_force_network_ipv6",
        "the same for a /64, which one subscriber may use as a whole",
        severity="MEDIUM",
        by=["ip_address/64"],
        count=5,
        within=86400,
        resolve_after=86400,
        distinct={"field": "ip_address", "count": 3},
        inhibits=["brute_force_ip", "brute_force_ip_slow"],
    ),
    _guessing(
        "password_spraying",
        "Elastic's password spraying rule: 5 users, 15 tries an hour from one source, at most 8 a user",
        by=["ip_address"],
        count=15,
        within=3600,
        distinct={"field": "username", "count": 5, "per_value_max": 8},
        attack=["T1110.003"],
    ),
    _guessing(
        "credential_stuffing",
        "Elastic's credential stuffing rule: 15 users, 25 tries in 15 m from one source, at most 2 a user",
        by=["ip_address"],
        count=25,
        within=900,
        distinct={"field": "username", "count": 15, "per_value_max": 2},
        inhibits=["password_spraying"],
        attack=["T1110.004"],
    ),
    _guessing(
        "distributed_brute_force",
        "Elastic's distributed brute force rule: 5 addresses, 10 tries on one user in 30 m",
        by=["username"],
        count=10,
        within=1800,
        distinct={"field": "ip_address", "count": 5},
        inhibits=["brute_force_user", "distributed_brute_force_slow"],
    ),
    _guessing(
        "distributed_brute_force_slow",
        "the same within 24 h: botnets try each user once per address",
        severity="MEDIUM",
        by=["username"],
        count=10,
        within=86400,
        resolve_after=86400,
        distinct={"field": "ip_address", "count": 5},
    ),
    _guessing(
        "user_enumeration",
        "CrowdSec's ssh-bf_user-enum: a bucket of 5 different users that leaks one every 10 s",
        severity="MEDIUM",
        by=["ip_address"],
        count=5,
        leak=10,
        silence=60,
        distinct="username",
        attack=["T1589.001"],
        appsensor=["AE1"],
    ),
    {
        "name": "success_after_failures",
        "pattern": AUTHENTICATION,
        "severity": "CRITICAL",
        "by": ["username"],
        "unless": TRUSTED,
        "sequence": [{"where": FAILURE, "count": 5}, {"where": SUCCESS, "new": "ip_address"}],
        "within": 600,
        "resolve_after": 3600,
        "inhibits": ["success_during_attack", "brute_force_ip", "brute_force_ip_slow", "brute_force_user"],
        "attack": ["T1110.001", "T1078"],
        "owasp": "authn_login_successafterfail",
        "appsensor": ["AE3"],
        "reason": "OWASP Logging Vocabulary authn_login_successafterfail; 5 failures as fail2ban counts them, "
        "then a login from an address where the user has not logged in before",
    },
    {
        "name": "success_during_attack",
        "pattern": AUTHENTICATION,
        "severity": "CRITICAL",
        "where": SUCCESS,
        "by": ["ip_address"],
        "unless": TRUSTED,
        "while_open": ["brute_force_ip", "brute_force_ip_slow", "password_spraying", "credential_stuffing"],
        "count": 1,
        "within": 0,
        "resolve_after": 3600,
        "attack": ["T1110.001", "T1078"],
        "owasp": "authn_login_successafterfail",
        "appsensor": ["AE3"],
        "reason": "a login that works from an address whose attack on credentials is at most 180 m old",
    },
)
