"""Request headers: what is said about them, and that no secret is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment import headers as module
from seclog_handlers.enrichment.headers import security_headers

SECRET = "s3cr3t" + "Value" * 3


def anomalies(*pairs: tuple[str, str]) -> list[str]:
    return security_headers(list(pairs)).get("anomalies", [])


@pytest.mark.parametrize("form", [dict, lambda pairs: list(pairs), lambda pairs: tuple(map(list, pairs))])
def test_reads_mappings_and_pairs(form):
    """A dict, a list of tuples and a tuple of lists say the same."""
    headers = form([("Authorization", f"Bearer {SECRET}"), ("Content-Type", "application/json; charset=utf-8")])

    assert security_headers(headers) == {
        "authorization": "bearer", "content_type": "application/json", "user_agent": False,
    }  # fmt: skip


def test_reads_asgi_and_wsgi_headers():
    """Bytes pairs of ASGI and HTTP_ names of WSGI are headers too."""
    assert security_headers([(b"cookie", b"sid=1")])["cookies"] == ["sid"]
    assert security_headers({"HTTP_USER_AGENT": "curl", "wsgi.input": object()})["user_agent"] is True


def test_reads_an_object_with_items():
    """Frameworks have header classes of their own; several values of one name count each."""

    class Headers:
        def items(self):
            return iter([("Host", ["a.example", "b.example"])])

    assert security_headers(Headers())["anomalies"] == ["two_hosts"]


@pytest.mark.parametrize(
    ("value", "scheme"),
    [
        (f"Basic {SECRET}", "basic"), (f"bearer  {SECRET}", "bearer"), (f"Digest username={SECRET}", "digest"),
        ("AWS4-HMAC-SHA256 Credential=x", "aws4-hmac-sha256"), (SECRET, "other"), ("", "other"),
    ],
)  # fmt: skip
def test_authorization_is_its_scheme(value, scheme):
    """The scheme is named if it is a known one: an unknown first word may be the secret."""
    assert security_headers({"Authorization": value})["authorization"] == scheme
    assert security_headers({"Proxy-Authorization": value})["proxy_authorization"] == scheme


def test_cookies_are_names():
    """Names only; a nameless cookie and a strange name are not shown, and twenty names are enough."""
    found = security_headers({"Cookie": f"sid={SECRET}; {SECRET}; b@d={SECRET}; theme=dark"})["cookies"]

    assert found == ["sid", "other", "theme"]
    assert len(security_headers({"Cookie": ";".join(f"c{n}=1" for n in range(500))})["cookies"]) == 20


def test_other_credentials_are_named():
    """That an API key was sent matters; what it is does not."""
    assert security_headers({"X-Api-Key": SECRET, "X-CSRFToken": SECRET, "X-Auth-Token": ""})["credentials"] == [
        "x-api-key", "x-csrftoken",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("https://user:pw@Shop.Example:8443/a?token=1", "shop.example"), ("https://[2001:db8::1]:1/", "[2001:db8::1]"),
        ("null", "null"), ("http://bücher.example/", "other"), ("shop.example", "shop.example"),
        ("about:blank", "other"),
    ],
)  # fmt: skip
def test_origin_and_referer_are_hosts(value, host):
    """User, port, path and query are left out."""
    assert security_headers({"Origin": value, "Referer": value}) == {
        "origin": host, "referer": host, "user_agent": False,
    }  # fmt: skip


def test_forwarded_chain_is_counted():
    """The chain's length and its first public address are said, over several headers."""
    found = security_headers([("X-Forwarded-For", "10.1.2.3, 203.0.113.9:4711"), ("X-Forwarded-For", "198.51.100.1")])

    assert found["forwarded_hops"] == 3
    assert found["forwarded_for"] == "203.0.113.9"
    assert "anomalies" not in found


@pytest.mark.parametrize(
    "chain", ["127.0.0.1, 203.0.113.9", "203.0.113.9, bob", "0.0.0.0", "", ", ".join(["8.8.8.8"] * 30)]
)
def test_invented_chains_are_named(chain):
    """Loopback hops, hops that are no address, and endless chains are not written by proxies."""
    assert anomalies(("X-Forwarded-For", chain)) == ["spoofed_forwarding"]


def test_obfuscated_hops_are_legal():
    """RFC 7239 lets a proxy write `unknown` or `_name`."""
    assert anomalies(("X-Forwarded-For", "unknown, _gateway, 203.0.113.9")) == []


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ([("X-Originating-IP", "127.0.0.1")], "spoofed_forwarding"),
        ([("True-Client-IP", "10.0.0.1")], "spoofed_forwarding"),
        ([("X-HTTP-Method-Override", "DELETE")], "method_override"),
        ([("X-Original-URL", "/admin")], "path_override"),
        ([("Host", "a.example"), ("Host", "b.example")], "two_hosts"),
        ([("Host", "a.example, b.example")], "two_hosts"),
        ([("Host", "a.example"), ("X-Forwarded-Host", "evil.example")], "two_hosts"),
        ([("Content-Length", "5"), ("Transfer-Encoding", "chunked")], "conflicting_length"),
        ([("Content-Length", "5"), ("Content-Length", "6")], "conflicting_length"),
        ([("User-Agent", "x\r\nSet-Cookie: a")], "control_characters"),
    ],
)
def test_anomalies_are_named(headers, name):
    """Each sign of tampering has a name."""
    assert anomalies(*headers) == [name]


@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "a.example:443"), ("X-Forwarded-Host", "a.example")],
        [("Host", "app:8000"), ("X-Forwarded-Host", "a.example")],
        [("Host", "10.0.0.7"), ("X-Forwarded-Host", "a.example")],
        [("X-Client-IP", "203.0.113.9")],
        [("Content-Length", "5"), ("Content-Length", "5")],
        [("User-Agent", "a\tb")],
    ],
)
def test_ordinary_proxies_are_no_anomaly(headers):
    """What reverse proxies do every day is not named."""
    assert anomalies(*headers) == []


def test_fetch_metadata_has_known_words():
    """Sec-Fetch headers have a closed vocabulary; anything else in them is not repeated."""
    found = security_headers({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": SECRET, "Sec-Fetch-New": SECRET})

    assert found["sec_fetch"] == {"site": "cross-site", "dest": "other"}


@pytest.mark.parametrize("value", ["application/json", "text/html;q=1", "multipart/form-data ; boundary=x"])
def test_content_type_is_the_media_type(value):
    """Parameters go, a boundary may be anything."""
    assert security_headers({"Content-Type": value})["content_type"] == value.partition(";")[0].strip()


def test_a_strange_content_type_is_not_repeated():
    """Text that is no media type is only said to be there."""
    assert security_headers({"Content-Type": SECRET})["content_type"] == "other"


class Hostile:
    def items(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "headers",
    [None, "", "Host: a", b"x", 5, [], {}, [5, ("a",), "ab"], Hostile(), {5: 6}, iter([("a", "b")]), [(None, None)]],
)
def test_anything_else_says_nothing(headers):
    """Whatever the application passes as headers, nothing is raised."""
    assert security_headers(headers).keys() <= {"user_agent"}


names = st.sampled_from([
    "Authorization", "Cookie", "X-Api-Key", "Origin", "Referer", "Host", "X-Forwarded-For", "X-Forwarded-Host",
    "Content-Type", "Sec-Fetch-Site", "Sec-Fetch-Mode", "User-Agent", "X-Real-IP", "Proxy-Authorization", "Content-Length",
])  # fmt: skip
secrets = st.text(st.sampled_from("QXZ0123456789"), min_size=12, max_size=30)


@given(
    st.lists(
        st.tuples(names, st.sampled_from(["{}", "Bearer {}", "a={}", "https://u:{}@h.example/{}", "{};{}"])), max_size=8
    ),
    secrets,
)
def test_no_secret_is_ever_repeated(headers, secret):
    """A secret as a value, behind a scheme, in a cookie or in a URL's user or path never comes out."""
    found = security_headers(
        [(name, form.format(secret, secret)) for name, form in headers if name not in HOST_NAMES or "@" in form]
    )

    assert secret.lower() not in json.dumps(found).lower()


HOST_NAMES = {"Origin", "Referer", "Host", "X-Forwarded-Host"}


@given(st.lists(st.tuples(st.text() | names, st.text() | st.binary() | st.none()), max_size=6))
def test_any_pairs_give_plain_data(headers):
    """Whatever the names and values: the result is JSON."""
    assert json.dumps(security_headers(headers))


@given(
    st.dictionaries(
        names | st.sampled_from(["Host", "X-Forwarded-For", "Cookie", "Origin", "Referer", "Content-Length"]),
        st.text(st.characters(codec="ascii"), max_size=40)
        | st.sampled_from(
            ["shop.example", "https://a@b.example/x?y", "198.51.100.9, 10.0.0.1", "a=1; b=2", "127.0.0.1"]
        ),
        max_size=6,
    ),
)
def test_a_dict_says_what_its_pairs_say(headers):
    """The quick way for a dict of short texts and the way for anything else agree, anomalies included."""
    assert security_headers(headers) == security_headers(list(headers.items()))


def test_names_without_end_are_not_remembered():
    """A client that makes names up fills no memory."""
    for number in range(3 * module.MAX_PLANS):
        security_headers({f"X-Made-Up-{number}": "1", "Host": "shop.example"})

    assert len(module._plans) <= module.MAX_PLANS
