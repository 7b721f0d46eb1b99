"""Sigma's and ECS's names for what our events carry."""

from __future__ import annotations

# Field of a Sigma rule, in lower case -> our fields, any of which may hold it. What is not here is taken as it is.
FIELDS: dict[str, tuple[str, ...]] = {
    name: fields
    for fields, names in {
        ("ip_address",): (
            "source.ip", "source.address", "client.ip", "client.address", "src_ip", "srcip", "sourceip", "src",
            "c-ip", "clientip", "client_ip", "remote_addr", "remote_ip", "ipaddress", "ip",
        ),
        ("username",): (
            "user.name", "source.user.name", "user", "targetusername", "cs-username", "account", "accountname",
            "user_name", "login", "principal",
        ),
        ("user_id",): ("user.id", "userid", "uid"),
        ("email",): ("user.email", "source.user.email"),
        ("session_id",): ("session.id", "sessionid"),
        ("action",): ("event.action",),
        ("failure_reason",): ("event.reason",),
        ("status_code",): (
            "http.response.status_code", "sc-status", "status", "http_status", "response_status_code",
            "httpstatuscode",
        ),
        ("method", "http_method"): ("http.request.method", "cs-method", "request_method"),
        ("path",): ("url.path", "cs-uri-stem", "uri_path", "request_path"),
        ("query_params",): ("url.query", "cs-uri-query", "uri_query", "query_string"),
        ("path", "query_params"): ("url.original", "url.full", "c-uri", "cs-uri", "request_uri", "uri", "url"),
        ("endpoint",): ("http.route", "url.template"),
        ("user_agent",): ("user_agent.original", "cs-user-agent", "c-useragent", "c-user-agent", "useragent"),
        ("request_size",): ("http.request.bytes", "http.request.body.bytes", "cs-bytes"),
        ("response_size",): ("http.response.bytes", "http.response.body.bytes", "sc-bytes"),
        ("response_time_ms",): ("time-taken",),
        ("request_id",): ("http.request.id", "trace.id"),
        ("error_details",): ("error.message",),
        ("auth_method",): ("authentication.method", "authmethod"),
        ("levelname",): ("log.level",),
        ("name",): ("log.logger",),
        ("risk_score",): ("event.risk_score",),
        ("geo_location.country",): ("source.geo.country_iso_code", "client.geo.country_iso_code"),
        ("geo_location.city",): ("source.geo.city_name", "client.geo.city_name"),
        ("geo_location.asn",): ("source.as.number", "client.as.number"),
        ("geo_location.as_org",): ("source.as.organization.name", "client.as.organization.name"),
    }.items()
    for name in names
}  # fmt: skip

# A search without a field looks here, for the text anywhere.
KEYWORD_FIELDS = (
    "message", "msg", "path", "query_params", "user_agent", "username", "resource", "action", "failure_reason",
    "error_details", "details", "exc_text",
)  # fmt: skip

FAMILIES = ("authentication", "authorization", "api_request", "api_response", "rate_limit_violation")
WEB = ("authentication", "authorization", "api_request", "api_response", "rate_limit_violation")

# Value of ECS's event.outcome -> that of our own fields, either of which may say it.
OUTCOMES = {"success": True, "failure": False}
OUTCOME_FIELDS = ("success", "granted")
# Value of ECS's event.category -> event_type.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "authentication": ("authentication",),
    "web": WEB,
    "iam": ("authorization",),
    "network": ("api_request", "api_response", "rate_limit_violation"),
}

# Category or service of a log source -> event_type. Others say nothing about an event.
LOGSOURCES: dict[str, tuple[str, ...]] = {
    **{family: (family,) for family in FAMILIES},
    "webserver": WEB,
    "proxy": WEB,
    "sshd": ("authentication",),
    "auth": ("authentication",),
}
# Products whose events are never those of an application that logs here.
FOREIGN_PRODUCTS = ("windows", "macos")

SEVERITIES = {"informational": "LOW", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "critical": "CRITICAL"}


def fields_of(name: str) -> tuple[str, ...]:
    """Return our fields for a Sigma rule's field: the field itself where it is none of the known names."""
    return FIELDS.get(name.lower(), (name,))
