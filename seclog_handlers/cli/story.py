"""The minute that `seclog demo` plays: log calls as applications make them, with secrets planted in them.

Every name, address and secret is invented; the addresses are from the ranges that are reserved for examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH_S = 60.0

# Built from parts, so that no scanner takes them for real ones.
PASSWORDS = ("Winter" + "2026!", "hunter2" + "-Maple", "tr0ub4dor" + "&3")
BEARER = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiI0MiJ9" + ".c2VjbG9nLWRlbW8tc2lnbmF0dXJl"
API_KEY = "sk_" + "live_" + "51Demo0nly" + "7Qw8Er9Ty0Ui1"
SESSION = "s3ss10n" + "-7f9c2b4e8d1a"
CARD = "4111" + "1111" * 3
DSN = f"postgresql://shop:{PASSWORDS[2]}@db.internal/shop"
SECRETS = (*PASSWORDS, BEARER, API_KEY, SESSION, CARD)

STAFF = ("alice", "m.okafor", "carol.diaz", "yusuf")
SPRAYED = tuple(
    f"{name}@shop.example" for name in (
        "anna", "bjorn", "chen", "dara", "emre", "fatima", "goran", "hana", "ines", "jonas", "kofi", "lena",
        "marek", "nadia", "oscar", "priya", "quinn",
    )
)  # fmt: skip
TARGET, VICTIM = "jsmith", STAFF[2]
IDENTITIES = (*STAFF, *SPRAYED, TARGET)

OFFICE, BRUTE, SPRAYER, BURGLAR, FLOODER = (
    "192.0.2.14", "198.51.100.23", "203.0.113.77", "198.51.100.140", "203.0.113.200",
)  # fmt: skip
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# Rules of the built-in pack that this story must set off.
EXPECTED = (
    "brute_force_ip",
    "password_spraying",
    "success_after_failures",
    "privilege_escalation",
    "flood_ip",
)


@dataclass(frozen=True)
class Call:
    """One `logging.getLogger(logger).info(msg, *args, extra=extra)`, `at` seconds into the minute."""

    at: float
    logger: str
    msg: str
    args: tuple[Any, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chapter:
    """A part of the story: what happens, and the log calls that it makes."""

    title: str
    calls: tuple[Call, ...]


def login(at: float, user: str, address: str, *, success: bool, agent: str = BROWSER) -> Call:
    """A login attempt, as an application logs it."""
    extra: dict[str, Any] = {
        "event_type": "authentication", "username": user, "auth_method": "password", "success": success,
        "ip_address": address, "user_agent": agent,
    }  # fmt: skip
    if success:
        return Call(at, "shop.auth", "login of %s", (user,), {**extra, "session_id": SESSION})
    return Call(at, "shop.auth", "login failed for %s", (user,), {**extra, "failure_reason": "wrong password"})


def check(at: float, user: str, resource: str, *, granted: bool) -> Call:
    """An authorization check, as an application logs it."""
    return Call(at, "shop.access", "%s on %s", ("read", resource), {
        "event_type": "authorization", "user_id": user, "resource": resource, "action": "read",
        "granted": granted, "required_permissions": ["admin"] if "admin" in resource else ["staff"],
        "user_permissions": ["staff"], "ip_address": BURGLAR if not granted else OFFICE,
    })  # fmt: skip


def request(at: float, address: str, path: str, **extra: Any) -> Call:
    """An API request, as an application logs it."""
    return Call(at, "shop.api", "%s %s", ("GET", path), {
        "event_type": "api_request", "request_id": f"r{at:06.2f}", "method": "GET", "path": path,
        "ip_address": address, "user_agent": BROWSER, **extra,
    })  # fmt: skip


# The call whose line is shown beside what an unprotected formatter would have written.
SHOWN = Call(6.0, "shop.api", "POST /orders by alice with %s", (f"api_key={API_KEY}",), {
    "event_type": "api_request", "request_id": "r006.00", "method": "POST", "path": "/orders",
    "query_params": {"coupon": "SPRING", "password": PASSWORDS[0]},
    "headers": {"Authorization": f"Bearer {BEARER}", "Cookie": f"sessionid={SESSION}"},
    "user_id": "alice", "ip_address": OFFICE, "user_agent": BROWSER,
})  # fmt: skip


def _morning() -> Iterator[Call]:
    for number, user in enumerate(STAFF):
        yield login(1.0 + number, user, OFFICE, success=True)
    yield SHOWN
    yield login(7.0, "alice", OFFICE, success=False)  # a typing error is no attack
    yield login(8.0, "alice", OFFICE, success=True)
    yield check(9.0, "yusuf", "stock", granted=True)
    yield request(10.0, OFFICE, "/stock", query_params={"page": "2"}, user_id="yusuf")
    yield Call(11.0, "shop.pay", "paid with %s", ({"card_number": CARD, "amount": "12.50"},))
    yield Call(12.0, "shop.db", "reconnected to %s", (DSN,))


def _brute_force() -> Iterator[Call]:
    for number in range(12):
        yield login(16.0 + number / 2, TARGET, BRUTE, success=False, agent="python-requests/2.32")


def _spray() -> Iterator[Call]:
    for number, user in enumerate(SPRAYED):
        yield login(24.0 + number / 2, user, SPRAYER, success=False)


def _break_in() -> Iterator[Call]:
    for number in range(6):
        yield login(36.0 + number, VICTIM, BURGLAR, success=False)
    yield login(42.5, VICTIM, BURGLAR, success=True)


def _escalation() -> Iterator[Call]:
    for number, resource in enumerate(("admin/users", "admin/keys", "admin/payouts", "admin/audit")):
        yield check(46.0 + number, VICTIM, resource, granted=False)
    yield Call(50.5, "shop.access", "token %s refused", (BEARER,), {"user_id": VICTIM, "password": PASSWORDS[1]})


def _flood() -> Iterator[Call]:
    for number in range(45):
        yield request(54.0 + number / 50, FLOODER, "/search", query_params={"q": f"a{number}"})
    yield request(58.0, OFFICE, "/stock", user_id="yusuf")


CHAPTERS = (
    Chapter("A normal morning: logins, a typing error, an order, a payment", tuple(_morning())),
    Chapter("A brute force: one address guesses one user's password", tuple(_brute_force())),
    Chapter("A spray: one password tried on many users", tuple(_spray())),
    Chapter("A break-in: six failures, then the right password", tuple(_break_in())),
    Chapter("An escalation: the stolen account tries what only administrators may", tuple(_escalation())),
    Chapter("A flood: 45 requests to one endpoint within a second", tuple(_flood())),
)
