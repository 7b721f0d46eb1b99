"""Logins and sessions in the wrong place: what `geo_location`, user agents and risk factors tell."""

from __future__ import annotations

from typing import Any

from seclog_handlers.detection.builtin.terms import AUTHENTICATION, FAILURE, SUCCESS, TRUSTED

SESSIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "impossible_travel",
        "pattern": AUTHENTICATION,
        "severity": "HIGH",
        "where": SUCCESS,
        "by": ["username"],
        "unless": [TRUSTED, {"geo_location.is_anonymous": True}],
        "measure": {"speed": "geo_location", "gt": 805},
        "within": 86400,
        "attack": ["T1078"],
        "owasp": "authn_impossible_travel",
        "appsensor": ["SE5"],
        "reason": "Okta's 805 km/h, the speed of an airliner, over more than 100 km within 24 h",
    },
    {
        "name": "new_country_after_failures",
        "pattern": AUTHENTICATION,
        "severity": "HIGH",
        "by": ["username"],
        "unless": TRUSTED,
        "sequence": [
            {"where": FAILURE, "count": 3},
            {"where": {**SUCCESS, "risk_factors.name": "new_country"}},
        ],
        "within": 3600,
        "attack": ["T1078"],
        "owasp": "authn_login_successafterfail",
        "appsensor": ["AE3"],
        "reason": "3 failures within 1 h, then a login from a country that the user never logged in from",
    },
    {
        "name": "session_agent_change",
        "pattern": AUTHENTICATION,
        "severity": "MEDIUM",
        "where": {"event_type": {"exists": True}},
        "by": ["session_id"],
        "unless": TRUSTED,
        "count": 2,
        "within": 86400,
        "distinct": "user_agent",
        "attack": ["T1539"],
        "owasp": "session_use_after_expire",
        "appsensor": ["SE6"],
        "reason": "OWASP AppSensor SE6: the user agent changes within a session",
    },
    {
        "name": "session_country_change",
        "pattern": AUTHENTICATION,
        "severity": "HIGH",
        "where": {"event_type": {"exists": True}},
        "by": ["session_id"],
        "unless": TRUSTED,
        "count": 2,
        "within": 86400,
        "distinct": "geo_location.country",
        "attack": ["T1539"],
        "owasp": "authn_impossible_travel",
        "appsensor": ["SE5"],
        "reason": "OWASP AppSensor SE5: the place changes within a session, here the country",
    },
)
