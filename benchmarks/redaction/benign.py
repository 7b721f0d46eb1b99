"""Makes rows without any secret, as logs hold them: whatever is changed in one is a false alarm."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from cases import DIGITS, HEX, LOWER, UPPER, WORD, Row, Source

SENTENCES = """password reset requested for {n}|token expired|token refresh succeeded in {d} ms|invalid password|Password must be at least 8 characters long|password is required|wrong password for user {n}|token is invalid
password changed by {n}|secret rotation completed|secret {w}-tls mounted at /etc/{w}|reloading secrets from vault|no api key provided|missing authorization header|authorization denied for {n}|authentication failed for {n} from {ip}|cookie consent accepted
session started for {n}|session expired after {d} minutes|session closed for user root|Accepted publickey for {n} from {ip} port {p} ssh2: RSA SHA256:{b43}|Failed password for invalid user {n} from {ip} port {p} ssh2|pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip} user={n}
Connection closed by {ip} port {p} [preauth]|key {w} not found in cache|cache key user:{d}:profile expired|primary key violation on table {w}|foreign key constraint failed|unexpected token < in JSON at position {d}|SyntaxError: Unexpected token '}}' at line {d}|tokenizer loaded {d} tokens
generated {d} tokens in {d} ms|max_tokens={d} temperature=0.7|prompt_tokens={d} completion_tokens={d} total_tokens={d}|token_count: {d}|token budget exceeded: {d} of {d}|status code: {d3}|exit code {d3}|error code 0x{h8}|country code DE|http status_code={d3}|QR code scanned
order {o} shipped|order number {o16} confirmed|invoice INV-{d4}-{d5} paid|tracking 1Z{u16}|request {uuid} finished|trace_id={h32} span_id={h16}|commit {h40} deployed|sha256:{h64}|sha256={h64} file=app.tar.gz|md5 {h32}  file.bin|etag "{h32}"|digest: sha256:{h64}
checksum={h64}|integrity sha512-{b86}==|image registry.example.com/app@sha256:{h64} pulled|GET /static/app.{h8}.js 200|GET /api/users/{d} 200 {d} ms|POST /login 401 {d} ms|GET /password-reset 200|GET /reset 302|GET /api/token 200|POST /oauth/token 200 {d}|GET /auth/login?next=/home 200
timestamp={ts} level=info|{iso} INFO worker started pid={d5}|2024-05-01T10:00:00.123456+00:00 ok|1714557600123 epoch ms|1714557600.123456 start|duration=0.{o16}|pi is 3.14159265358979|lat=52.5200066 lon=13.4049540|version 1.2.3.4 build {d5}|Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36
client {ip} connected|listening on {ip}:{p}|from 2001:db8::{h4}:{h4} port {p}|MAC 00:1b:44:11:3a:b7|http://{host}:{p}/health 200|postgres://{host}:5432/app connected|https://github.com/acme/app/pull/{d}|https://cdn.example.com/@scope/pkg@1.2.3/index.js|redis://cache:6379/0 ready|ssh git@github.com ok
user=usr_k3_{h32} action=login|email_sent=true|has_password=True|password_changed=false|password_policy=strong|password_length=12|secret_name=db-credentials|secretName: {w}-tls|key_id={w}-{d}|token_type=bearer|token_type: Bearer|auth_method=password|auth_method: mfa|author: {n}|authors=[{n}]
risk_score=73 risk_factors=[]|session_headers=3|session_count={d}|csrf_enabled=true|cookie_domain=.example.com|cookie_secure=true|pin_count=4|ping={d}ms|shipping: express|mapping {d} rows|monkey=patch|keyboard layout de|turkey: ankara|hotkey: ctrl|keys: {d}|keyspace hits={d}|api_key_count=3
Basic authentication required|Basic plan: active|Bearer token missing|bearer authentication failed|Digest mismatch|unsupported authorization scheme Bearer|auth: ok|auth=none|oauth: disabled|secret: none|password: null|password=None|token=null|"password": null|"token": true|password: ****|password=******
the secret of good code is naming|your session will expire soon|a cookie was set|please enter your password|forgot your password?|change your password at https://example.com/password|type your PIN|code review done by {n}|discount code applied|postal code 10115|source code indexed|{d} items in {d} ms|memory {d}MB of {d}MB
job {uuid} queued with priority 5|{n}@{w}|follow @{n} on x|foo@2x.png loaded|unit {w}@1.service started|pkg@1.2.3 installed|a:b@c|data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk|node ip-10-0-{d3}-{d3} ready|pod web-{h8}f-{l5} scheduled|partition 12 offset {o}|batch {d5}-{d5}-{d4}
SELECT * FROM users WHERE id = {d}|SELECT password_hash FROM users|ALTER TABLE users ADD COLUMN password text|UPDATE tokens SET revoked = true WHERE id = {d}|DROP USER {n}|GRANT SELECT ON secrets TO {n}|COMMIT|index idx_token_created used|column "token" does not exist|relation "sessions" does not exist
docker run -p 8080:80 nginx|mkdir -p /var/{w}|ssh -p 2222 {n}@{host}|ps -p {d5}|cp -p a b|mysql -u root -p|curl -u https://example.com|git push -u origin main|pytest -p no:cacheprovider|nmap -p 1-1000 {ip}|rsync -avp a b
price 1,234,567.89 EUR|total: 12 345 678|range 100000-200000|size=1073741824|offset 0x7ffd5e8c|isbn 978-3-16-148410-0|ean 4006381333931|2024-01-02 - 2024-02-03|10.0.0.0/8 via {ip}|10:20:30.123456|part no. 555-1234|ref 1{d3}-{d4}-{d4}-{d4}|uid=1000(bob) gid=1000(bob)|serial {o10}
license: MIT|license key missing|signature verified|signature: valid|sig=ok|hmac mismatch|salt: 16 bytes|seed=42|nonce too low|nonce={d}|state=running|ticket #{d5} closed|ticket OPS-{d4}|sid={d}|SID: running|pan=left|card declined|credit card expired|account {w} created|phone verified|mobile: true|tel aviv office|bank holiday
ConfigurationError: redact.keys is 3: it must be a list of strings|KeyError: 'password'|KeyError: 'token'|ValueError: password too short|TypeError: login() missing 1 required positional argument: 'password'|raise ValueError("invalid token")|def check_password(user, password):|if password is None:|password = getpass.getpass()|token = request.headers.get("X-Token")
self.token = token|password = kwargs.pop("password", None)|return authenticate(username=username, password=password)|from django.contrib.auth import authenticate|import secrets|secrets.token_hex(16)|class TokenError(Exception):|for token in tokens:|os.environ["API_KEY"]|settings.SECRET_KEY|assert token.type == NAME|api_key: str|password: str = Field(...)
fields: ['username', 'password', 'email']|required: ["username","password"]|columns=('id', 'token', 'created_at')|missing fields: password, email|unknown key: token|form errors: {{'password': ['This field is required.']}}|{{"error": "invalid_token", "error_description": "The access token expired"}}|{{"token_type": "Bearer", "expires_in": 3600}}|grant_type=password scope=read|grant_type: client_credentials
passing tests: 12|bypass enabled|compass heading {d3}|passenger {n} boarded|passport control|secretary {n} called|authored by {n}|authoritative answer|cookies: 3|cookiecutter done|tokens/s: {d}|pincode lookup failed|opinion poll|spinning up|key=value pairs parsed|key1=a key2=b|press any key: continue|monitor keys: cpu, mem
Your code is ready|use code SUMMER for 10% off|promo code: WELCOME{d}|the answer is {d}|the pin is missing|phrase not found|response: 200 OK|digest sent to {d} users|verification pending|verification email sent|security group sg-{h16}f|vpc-{h16}f created|i-{h16}f terminated|arn:aws:iam::{d12}:role/app|arn:aws:secretsmanager:eu-west-1:{d12}:secret:db-{l5}
projects/acme/secrets/db/versions/3|vault: secret/data/app|AWS_SECRET_NAME=prod/db|SECRET_FILE=/run/secrets/db|PASSWORD_FILE=/run/secrets/db_password|password_file: /etc/app/pw.txt|TOKEN_URL=https://login.example.com/token|token_endpoint=https://idp/token|secretRef: db|secretKeyRef name={w}|valueFrom secret {w}|tls secret {w} created
Content-Type: application/json; charset=utf-8|Accept-Encoding: gzip, deflate, br|X-Request-ID: {uuid}|traceparent: 00-{h32}-{h16}-01|If-None-Match: "{h32}"|Content-MD5: {b22}==|User-Agent: curl/8.1|X-Forwarded-For: {ip}, {ip}|Host: {host}|Location: /login?next=%2Fhome|GET /search?q=password+manager 200|GET /docs/api-keys 200|GET /?page=2&sort=token 200|GET /a%20b%2Fc 200
\\u00e9t\\u00e9|C:\\Users\\{n}\\AppData|path=/home/{n}/.ssh/id_rsa.pub|&lt;b&gt;bold&lt;/b&gt;|50%25 done|100% of {d}|ünïcödé text ok|日本語のログ|zero\u200bwidth|Überweisung an {n}|naïve café|смена статуса|ANSI \x1b[32mok\x1b[0m done""".replace(
    "\n", "|"
).split("|")


def _fillers(s: Source) -> dict[str, Callable[[], str]]:
    d, c = s.rng.randint, s.chars

    def uid() -> str:
        return str(uuid.UUID(int=s.rng.getrandbits(128), version=4))

    def not_a_card(length: int) -> str:
        return c("123789", 1) + c(DIGITS, length - 1)

    return {
        "n": s.name,
        "w": lambda: s.pick(["orders", "billing", "web", "ingress", "search", "api"]),
        "ip": s.ip,
        "host": s.host,
        "p": lambda: str(d(1024, 65535)),
        "d": lambda: str(d(1, 99999)),
        "d3": lambda: str(d(100, 255)),
        "d4": lambda: str(d(1000, 9999)),
        "d5": lambda: str(d(10000, 99999)),
        "d12": lambda: not_a_card(12),
        "o": lambda: not_a_card(s.pick([8, 9, 10, 11, 12])),
        "o10": lambda: not_a_card(10),
        "o16": lambda: "1" + c(DIGITS, 15),
        "h4": lambda: c(HEX, 4),
        "h8": lambda: c(HEX, 8),
        "h16": lambda: c(HEX, 16),
        "h32": lambda: hashlib.md5(c(WORD, 9).encode()).hexdigest(),
        "h40": lambda: hashlib.sha1(c(WORD, 9).encode()).hexdigest(),
        "h64": lambda: hashlib.sha256(c(WORD, 9).encode()).hexdigest(),
        "b22": lambda: base64.b64encode(s.rng.randbytes(16)).decode().rstrip("="),
        "b43": lambda: base64.b64encode(s.rng.randbytes(32)).decode().rstrip("="),
        "b86": lambda: base64.b64encode(s.rng.randbytes(64)).decode().rstrip("="),
        "u16": lambda: c(UPPER + DIGITS, 16),
        "l5": lambda: c(LOWER, 5),
        "uuid": uid,
        "ts": lambda: str(d(1_600_000_000, 1_800_000_000)),
        "iso": lambda: f"20{d(10, 29)}-0{d(1, 9)}-{d(10, 28)} 1{d(0, 9)}:{d(10, 59)}:{d(10, 59)},{d(100, 999)}",
    }


class _Fill(dict[str, Any]):
    def __init__(self, makers: dict[str, Callable[[], str]]) -> None:
        self.makers = makers

    def __missing__(self, key: str) -> str:
        return self.makers[key]()


def events(fill: _Fill) -> list[Any]:
    """Structured benign values."""
    f = fill.__missing__
    return [
        {
            "event_type": "authentication",
            "username_token": "usr_k3_" + f("h32"),
            "auth_method": "password",
            "success": False,
            "ip_address": f("ip"),
            "user_agent": "curl/8.1",
            "failure_reason": "invalid password",
            "risk_score": 40,
        },
        {
            "token_count": 812,
            "max_tokens": 4096,
            "usage": {"prompt_tokens": 12, "completion_tokens": 5000},
            "tokens": 5120,
        },
        {
            "password_changed": True,
            "has_password": False,
            "password": None,
            "token": True,
            "secret_name": "db",
            "key_id": f("uuid"),
        },
        {"headers": {"content-type": "application/json", "x-request-id": f("uuid"), "user-agent": "x"}},
        {
            "order": int(f("o")),
            "amount": 12.5,
            "created": f("iso"),
            "sha256": f("h64"),
            "commit": f("h40"),
            "etag": f("h32"),
        },
        {"ids": [int(f("d")) for _ in range(5)], "path": "/api/v1/items", "session_headers": ["a"]},
        [("username", "bob"), ("age", 3)],
        {"required_fields": ["username", "password"]},
        {"errors": {"password": "required"}},
        {"token_type": "bearer", "expires_in": 3600, "scope": "read write"},
        {
            "author": f("n"),
            "authority": "ca",
            "auth_method": "mfa",
            "keyboard": "de",
            "monkey": 1,
            "primary_key": 7,
            "cache_key": "user:1",
            "status_code": 401,
        },
        {
            "geo_location": {"country": "DE", "latitude": 52.52, "longitude": 13.4},
            "ip_address": f("ip"),
            "request_id": f("uuid"),
        },
        {
            "code": 404,
            "pin_count": 4,
            "cookie_consent": "accepted",
            "session_count": 3,
            "csrf_enabled": True,
            "sessions": 12,
        },
        json.dumps({"level": "info", "trace_id": f("h32"), "msg": "done", "tokens": 4821, "latency": 0.123456789}),
    ]


def benign(seed: int, rounds: int = 10) -> list[Row]:
    """Return all benign rows for a seed."""
    s = Source(seed + 1)
    fill = _Fill(_fillers(s))
    rows = []
    for _ in range(rounds):
        rows += [Row("benign", sentence[:30], sentence.format_map(fill)) for sentence in SENTENCES]
        rows += [Row("benign", f"event{number}", value) for number, value in enumerate(events(fill))]
    return rows
