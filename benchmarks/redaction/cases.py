"""Makes the rows by which redaction is scored: planted secrets over all surfaces and notations, and benign rows.

Deterministic for a seed. A positive row names its group, what is logged, and the strings that must not be readable
in the output, and words beside them that should stay. Nothing here is a real secret: all are made by `random`.
"""

from __future__ import annotations

import base64
import html
import json
import random
import string
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

LETTERS, DIGITS = string.ascii_letters, string.digits
LOWER, UPPER = string.ascii_lowercase, string.ascii_uppercase
HEX = "0123456789abcdef"
WORD = LETTERS + DIGITS
BASE64 = WORD + "+/"
URLSAFE = WORD + "-_"


@dataclass
class Row:
    """One row: what is logged, and what must go and stay."""

    group: str
    notation: str
    value: Any  # text, or anything else for Redactor.value
    secrets: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    args: tuple[Any, ...] | dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class Source:
    """Random parts of rows."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def pick(self, options: Any) -> Any:
        return self.rng.choice(list(options))

    def chars(self, alphabet: str, length: int) -> str:
        return "".join(self.rng.choice(alphabet) for _ in range(length))

    def mixed(self, alphabet: str, length: int) -> str:
        while True:
            text = self.chars(alphabet, length)
            if any(c.isdigit() for c in text) and any(c.isalpha() for c in text):
                return text

    def password(self, signs: str = "!#$%*+-.?@^_~") -> str:
        words = [
            "summer",
            "dragon",
            "Winter",
            "monkey",
            "Tiger",
            "correct",
            "Horse",
            "zebra",
            "qwerty",
            "sunny",
            "blaue",
            "Katze",
        ]
        forms: list[Callable[[], str]] = [
            lambda: (
                self.pick(words)
                + self.chars(DIGITS, self.rng.randint(2, 4))
                + self.chars(signs, 1)
                + self.chars(LETTERS, 2)
            ),
            lambda: self.chars(LETTERS, 4) + self.chars(signs, 1) + self.chars(DIGITS, 3) + self.chars(LETTERS, 3),
            lambda: self.mixed(WORD, self.rng.randint(8, 20)),
            lambda: self.pick(words) + self.pick(words).lower() + self.chars(DIGITS, 2),
        ]
        return self.pick(forms)()

    def token(self) -> str:
        return self.pick(
            [
                lambda: self.mixed(WORD, 32),
                lambda: self.mixed(URLSAFE, 43),
                lambda: self.mixed(HEX, 40),
                lambda: self.mixed(HEX, 32),
                lambda: self.mixed(WORD, 24),
            ]
        )()

    def name(self) -> str:
        return self.pick(["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "mallory", "svc-backup"])

    def host(self) -> str:
        return self.pick(
            ["db.internal", "10.2.3.4", "api.example.com", "redis-0.svc.cluster.local", "localhost", "mq.example.org"]
        )

    def ip(self) -> str:
        return ".".join(str(self.rng.randint(1, 254)) for _ in range(4))

    def luhn(self, prefix: str, length: int) -> str:
        body = prefix + self.chars(DIGITS, length - len(prefix) - 1)
        total = sum(sum(divmod(int(d) * 2, 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body)))
        return body + str(-total % 10)

    def iban(self) -> str:
        country, length = self.pick(
            [
                ("DE", 22),
                ("GB", 22),
                ("FR", 27),
                ("NL", 18),
                ("ES", 24),
                ("IT", 27),
                ("CH", 21),
                ("AT", 20),
                ("BE", 16),
                ("PL", 28),
            ]
        )
        bank = {"GB": "WEST", "NL": "ABNA", "IT": "X"}.get(country, "")
        body = bank + self.chars(DIGITS, length - 4 - len(bank))
        check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
        return f"{country}{check:02d}{body}"


# --- secrets by their own look: what each vendor documents ---------------------------------------------------
def vendor_tokens(s: Source) -> dict[str, str]:
    c, r = s.chars, s.rng
    b32 = UPPER + "234567"

    def jwt() -> str:
        def enc(data: dict[str, Any]) -> str:
            return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode().rstrip("=")

        return f"{enc({'alg': 'HS256', 'typ': 'JWT'})}.{enc({'sub': c(DIGITS, 6), 'iat': r.randint(10**9, 2 * 10**9)})}.{c(URLSAFE, 43)}"

    uuid = "-".join(c(HEX, n) for n in (8, 4, 4, 4, 12))
    return {
        "aws-key-id": "AKIA" + c(b32, 16),
        "aws-sts": "ASIA" + c(b32, 16),
        "aws-secret": s.mixed(BASE64.replace("+", "a"), 39) + "Z",
        "github-classic": "ghp_" + c(WORD, 36),
        "github-oauth": "gho_" + c(WORD, 36),
        "github-user": "ghu_" + c(WORD, 36),
        "github-server": "ghs_" + c(WORD, 36),
        "github-refresh": "ghr_" + c(WORD, 36),
        "github-fine": "github_pat_" + c(WORD, 22) + "_" + c(WORD, 59),
        "gitlab": "glpat-" + c(URLSAFE, 20),
        "gitlab-runner": "glrt-" + c(URLSAFE, 20),
        "gitlab-deploy": "gldt-" + c(URLSAFE, 20),
        "gitlab-trigger": "glptt-" + c(HEX, 40),
        "slack-bot": f"xoxb-{c(DIGITS, 12)}-{c(DIGITS, 12)}-{c(WORD, 24)}",
        "slack-user": f"xoxp-{c(DIGITS, 11)}-{c(DIGITS, 11)}-{c(DIGITS, 12)}-{c(HEX, 32)}",
        "slack-app": f"xapp-1-A{c(UPPER + DIGITS, 10)}-{c(DIGITS, 13)}-{c(HEX, 64)}",
        "slack-webhook": f"https://hooks.slack.com/services/T{c(UPPER + DIGITS, 8)}/B{c(UPPER + DIGITS, 8)}/{c(WORD, 24)}",
        "stripe-live": "sk_live_" + c(WORD, 24),
        "stripe-test": "sk_test_" + c(WORD, 24),
        "stripe-restricted": "rk_live_" + c(WORD, 24),
        "stripe-hook": "whsec_" + c(WORD, 32),
        "twilio": "SK" + c(HEX, 32),
        "sendgrid": f"SG.{c(URLSAFE, 22)}.{c(URLSAFE, 43)}",
        "npm": "npm_" + c(WORD, 36),
        "pypi": "pypi-AgEIcHlwaS5vcmc" + c(URLSAFE, 60),
        "docker": "dckr_pat_" + c(URLSAFE, 27),
        "huggingface": "hf_" + c(LETTERS, 34),
        "openai": "sk-" + c(WORD, 20) + "T3BlbkFJ" + c(WORD, 20),
        "openai-proj": "sk-proj-" + c(URLSAFE, 74) + "T3BlbkFJ" + c(URLSAFE, 74),
        "anthropic": "sk-ant-api03-" + c(URLSAFE, 93) + "AA",
        "google": "AIza" + c(URLSAFE, 35),
        "google-oauth": "ya29." + c(URLSAFE, 60),
        "google-secret": "GOCSPX-" + c(URLSAFE, 28),
        "telegram": f"{c('123456789', 1)}{c(DIGITS, 8)}:AA{c(URLSAFE, 33)}",
        "discord": f"M{c(WORD, 23)}.{c(URLSAFE, 6)}.{c(URLSAFE, 27)}",
        "discord-hook": f"https://discord.com/api/webhooks/{c(DIGITS, 18)}/{c(URLSAFE, 68)}",
        "shopify": "shpat_" + c(HEX, 32),
        "shopify-secret": "shpss_" + c(HEX, 32),
        "square": "sq0atp-" + c(URLSAFE, 22),
        "square-secret": "sq0csp-" + c(URLSAFE, 43),
        "digitalocean": "dop_v1_" + c(HEX, 64),
        "newrelic": "NRAK-" + c(UPPER + DIGITS, 27),
        "sentry-org": "sntrys_eyJ" + c(WORD, 80),
        "vault": "hvs." + c(URLSAFE, 90),
        "vault-old": "s." + s.mixed(WORD, 24),
        "terraform": f"{c(WORD, 14)}.atlasv1.{c(URLSAFE, 64)}",
        "atlassian": "ATATT3xFfGF0" + c(URLSAFE, 170),
        "bitbucket": "ATBB" + c(WORD, 32),
        "linear": "lin_api_" + c(WORD, 40),
        "notion": "ntn_" + c(WORD, 46),
        "notion-old": "secret_" + c(WORD, 43),
        "figma": "figd_" + c(URLSAFE, 40),
        "databricks": "dapi" + c(HEX, 32),
        "grafana-sa": f"glsa_{c(WORD, 32)}_{c(HEX, 8)}",
        "grafana-cloud": "glc_eyJ" + c(WORD, 80),
        "jwt": jwt(),
        "azure-client": f"{c(WORD, 3)}8Q~{c(WORD + '_~.-', 33)}w",
        "azure-storage": f"{c(BASE64, 86)}==",
        "postman": f"PMAK-{c(HEX, 24)}-{c(HEX, 34)}",
        "doppler": "dp.pt." + c(WORD, 43),
        "pulumi": "pul-" + c(HEX, 40),
        "rubygems": "rubygems_" + c(HEX, 48),
        "age": "AGE-SECRET-KEY-1" + c("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
        "groq": "gsk_" + c(WORD, 52),
        "replicate": "r8_" + c(WORD, 37),
        "planetscale": "pscale_tkn_" + c(WORD, 43),
        "mailgun": "key-" + c(HEX, 32),
        "mailchimp": c(HEX, 32) + "-us" + c("123456789", 1),
        "hubspot": "pat-na1-" + uuid,
        "supabase": "sbp_" + c(HEX, 40),
        "tailscale": f"tskey-auth-{c(WORD, 12)}-{c(WORD, 32)}",
        "dynatrace": f"dt0c01.{c(UPPER + DIGITS, 24)}.{c(UPPER + DIGITS, 64)}",
        "facebook": "EAAB" + c(WORD, 120),
        "artifactory": "AKCp" + c(WORD, 69),
        "airtable": f"pat{c(WORD, 14)}.{c(HEX, 64)}",
        "bcrypt": "$2b$12$" + c(WORD + "./", 53),
        "shadow": f"$6$rounds=5000${c(WORD, 8)}${c(WORD + './', 86)}",
        "razorpay": "rzp_live_" + c(WORD, 14),
        "sendinblue": f"xkeysib-{c(HEX, 64)}-{c(WORD, 16)}",
        "easypost": "EZAK" + c(WORD, 54),
        "duffel": "duffel_live_" + c(URLSAFE, 43),
        "contentful": "CFPAT-" + c(URLSAFE, 43),
        "prefect": "pnu_" + c(WORD.lower(), 36),
        "typeform": "tfp_" + c(URLSAFE, 59),
        "netlify": "nfp_" + c(WORD, 36),
        "sonar": "squ_" + c(HEX, 40),
    }


def private_keys(s: Source) -> list[str]:
    lines = "\n".join(s.chars(BASE64, 64) for _ in range(6))
    return [
        f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----"
        for label in (
            "RSA PRIVATE KEY",
            "PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "EC PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        )
    ]


def token_rows(s: Source) -> Iterator[Row]:
    frames = [
        "using {0} for upload",
        "{0}",
        "got 401 with {0}, retrying",
        "value was '{0}' (expired)",
        "credentials={0};",
        "client started [{0}]",
        "deploy log: {0}\nnext line",
        "see {0}.",
        '["{0}"]',
        "env X={0} make",
    ]
    for kind, token in vendor_tokens(s).items():
        frame = s.pick(frames)
        yield Row("token", kind, frame.format(token), (token.rpartition("/")[2] if "://" in token else token,))
    for key in private_keys(s):
        body = key.split("\n")[2]
        yield Row("token", "pem", f"loaded key {key}", (body,))
        yield Row("token", "pem-escaped", json.dumps({"pem": key}), (body,))
        yield Row("token", "pem-cut", f"key: {key[:200]}", (body,))
    yield Row(
        "token",
        "gcp-json",
        json.dumps(
            {
                "type": "service_account",
                "project_id": "acme-1",
                "private_key_id": s.chars(HEX, 40),
                "private_key": private_keys(s)[1],
                "client_email": "svc@acme-1.iam.gserviceaccount.com",
            }
        ),
        (private_keys(s)[1].split("\n")[2],),
    )
    account = s.chars(BASE64, 86) + "=="
    yield Row(
        "token",
        "azure-connection",
        f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={account};EndpointSuffix=core.windows.net",
        (account,),
        ("acme",),
    )
    sas = urllib.parse.quote(s.chars(BASE64, 43) + "=", safe="")
    yield Row(
        "token",
        "azure-sas",
        f"https://acme.blob.core.windows.net/c/f?sv=2022-11-02&ss=b&srt=sco&se=2026-01-01T00:00:00Z&sig={sas}",
        (sas,),
        ("sv=2022-11-02",),
    )
    dsn = s.chars(HEX, 32)
    yield Row(
        "token",
        "sentry-dsn",
        f"sentry init https://{dsn}@o{s.chars(DIGITS, 6)}.ingest.sentry.io/{s.chars(DIGITS, 7)}",
        (dsn,),
        ("sentry",),
    )
    for key in (
        "DD_API_KEY",
        "DATADOG_APP_KEY",
        "TWILIO_AUTH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "aws_session_token",
        "NEW_RELIC_LICENSE_KEY",
        "HEROKU_API_KEY",
        "CLOUDFLARE_API_TOKEN",
    ):
        value = s.mixed(HEX, s.pick([32, 40]))
        yield Row("token", "by-context", f"{key}={value} ./run", (value,), ("./run",))


# --- key-value text ----------------------------------------------------------------------------------------------
KEYS = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "client_secret",
    "private_key",
    "auth_token",
    "db_password",
    "user_password",
    "new_password",
    "secret_key",
    "session_id",
    "csrf_token",
    "passphrase",
    "credentials",
    "id_token",
    "signing_key",
    "encryption_key",
    "webhook_secret",
    "bearer_token",
    "access_key",
    "jwt",
    "smtp_pass",
    "otp_secret",
    "master_key",
    "x-api-key",
    "app_secret",
    "bot_token",
]


def spelled(s: Source, key: str) -> str:
    parts = key.replace("-", "_").split("_")
    return s.pick(
        [
            key,
            key,
            "_".join(parts).upper(),
            parts[0] + "".join(p.capitalize() for p in parts[1:]),
            "-".join(parts),
            "".join(p.capitalize() for p in parts),
            "app." + key,
        ]
    )


NOTATIONS: dict[str, str] = {
    "logfmt": "level=info {k}={v} user=bob",
    "logfmt-quoted": 'level=info {k}="{v}" user=bob',
    "pair": "{k}={v}",
    "spaced": "{k} = {v}",
    "colon": "{k}: {v}",
    "colon-tight": "{k}:{v}",
    "json": '{{"user": "bob", "{k}": "{v}", "n": 3}}',
    "json-tight": '{{"{k}":"{v}","user":"bob"}}',
    "json-escaped": '"{{\\"{k}\\": \\"{v}\\", \\"user\\": \\"bob\\"}}"',
    "json-twice": '"{{\\\\\\"{k}\\\\\\": \\\\\\"{v}\\\\\\", \\\\\\"user\\\\\\": \\\\\\"bob\\\\\\"}}"',
    "repr-dict": "{{'user': 'bob', '{k}': '{v}'}}",
    "repr-tuple": "[('user', 'bob'), ('{k}', '{v}')]",
    "repr-bytes": "{{b'user': b'bob', b'{k}': b'{v}'}}",
    "dataclass": "Login(user='bob', {k_}='{v}', n=3)",
    "unquoted-repr": "Login{{user=bob, {k_}={v}}}",
    "yaml": "user: bob\n{k}: {v}\nport: 5432",
    "yaml-quoted": "user: bob\n{k}: '{v}'\n",
    "yaml-block": "{k}: |\n  {v}\nuser: bob",
    "ini": "[db]\nuser = bob\n{k} = {v}\nport = 1",
    "toml": '{k} = "{v}"\nuser = "bob"',
    "xml": "<login><user>bob</user><{k_}>{v}</{k_}></login>",
    "xml-attribute": '<login user="bob" {k_}="{v}"/>',
    "xml-multiline": "<{k_}>\n   {v}\n</{k_}>",
    "xml-cdata": "<{k_}><![CDATA[{v}]]></{k_}>",
    "soap": '<wsse:{k_} Type="PasswordText">{v}</wsse:{k_}>',
    "property": '<property name="{k}" value="{v}"/>',
    "add-key": '<add key="{k}" value="{v}" />',
    "name-value": '{{"name": "{k}", "value": "{v}"}}',
    "flag": "run --user bob --{k-} {v} --verbose",
    "flag-equals": "run --user bob --{k-}={v} --verbose",
    "flag-list": "['run', '--user', 'bob', '--{k-}', '{v}']",
    "env": "export {K}={v}",
    "env-quoted": "export {K}='{v}'",
    "env-dump": "HOME=/root {K}={v} PATH=/bin",
    "docker": "docker run -e {K}={v} -p 80:80 app",
    "helm": "helm install x --set auth.{k_}={v} --wait",
    "php-arrow": "['user' => 'bob', '{k}' => '{v}']",
    "print_r": "Array\n(\n    [user] => bob\n    [{k}] => {v}\n)",
    "var_dump": 'array(1) {{ ["{k}"]=> string(9) "{v}" }}',
    "ruby": '{{:{k_}=>"{v}", :user=>"bob"}}',
    "go": "{{User:bob {K1}:{v} Port:5432}}",
    "go-short": '{k_} := "{v}"',
    "rust": 'Config {{ {k_}: "{v}", port: 1 }}',
    "rust-some": 'Config {{ {k_}: Some("{v}") }}',
    "csharp": 'string {k_} = "{v}";',
    "java": 'config.put("{k}", "{v}")',
    "query": "GET /x?user=bob&{k}={q}&n=1",
    "form": "user=bob&{k}={q}",
    "header": "{H}: {v}",
    "header-curl": "curl -H '{H}: {v}' https://example.com",
    "multipart": 'Content-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n--x',
    "is": "the {k} is {v}",
    "for-is": "{k} for alice is {v}",
    "tsv": "{k}\t{v}",
    "dash": "{k} - {v}",
    "arrow": "{k} -> {v}",
    "brackets": "[{k}={v}]",
    "parens": "(user=bob, {k}={v})",
    "csv-pairs": "user=bob,{k}={v},n=3",
    "semicolons": "user=bob;{k}={v};n=3",
    "pipes": "user=bob|{k}={v}|n=3",
    "html-escaped": "{e}",
    "percent": "{p}",
    "unicode": "{u}",
    "ansi": "\x1b[32m{k}\x1b[0m=\x1b[31m{v}\x1b[0m user=bob",
    "zero-width": "{k}\u200b=\u200b{v} user=bob",
    "full-width": "{k}＝{v}",
    "full-colon": "{k}：{v}",
    "walrus": '{K} ::= "{v}"',
    "maybe": '{K} ?= "{v}"',
    "backticks": "{k} = `{v}`",
    "changed": "{k} changed to {v}",
    "with": "login with {k} {v} failed",
    "typed": 'var {k_}: string = "{v}"',
    "serialized": 's:8:"{k}";s:9:"{v}";',
    "plist": "<key>{k}</key><string>{v}</string>",
    "properties": "spring.datasource.{k}={v}",
    "nested-form": "user[name]=bob&user[{k}]={q}",
    "exception": "ValueError: invalid literal for {k}={v}",
    "python-assign": "    {k_} = '{v}'",
    "setter": "set_{k_}('{v}')",
}
SPECIAL_BAN = {"query": "", "form": "", "nested-form": ""}


def text_row(s: Source, notation: str, template: str) -> Row:
    key = spelled(s, s.pick(KEYS))
    plain = notation in (
        "unquoted-repr",
        "go",
        "csv-pairs",
        "semicolons",
        "pipes",
        "print_r",
        "brackets",
        "parens",
        "colon-tight",
    )
    value = s.pick([lambda: s.password("!#$%*+-_~" if not plain else "!#$%*+_~"), s.token])()
    under = key.replace("-", "_").replace(".", "_")
    parts = {
        "k": key,
        "v": value,
        "k_": under,
        "k-": under.replace("_", "-"),
        "K": under.upper(),
        "K1": "".join(p.capitalize() for p in under.split("_")),
        "H": "X-" + "-".join(p.capitalize() for p in under.split("_")),
        "q": urllib.parse.quote(value, safe=""),
        "e": html.escape(f'<input name="{key}" value="{value}">'),
        "p": urllib.parse.quote(json.dumps({key: value}), safe=""),
        "u": json.dumps({"body": f'{{"{key}": "{value}"}}'}).replace('\\"', "\\u0022"),
    }
    secrets = (
        {value, parts["q"]}
        if notation in ("query", "form", "nested-form", "percent")
        else {html.escape(value)}
        if notation == "html-escaped"
        else {value}
    )
    stays = ("bob",) if "bob" in template else ()
    return Row("key-value", notation, template.format(**parts), tuple(secrets), stays)


def other_text_rows(s: Source) -> Iterator[Row]:
    p, n = s.password, s.name
    one = lambda notation, make, *stays: Row("key-value", notation, make[0], (make[1],), stays)  # noqa: E731
    for template in (
        "ALTER USER {n} IDENTIFIED BY '{v}'",
        "CREATE USER '{n}'@'%' IDENTIFIED WITH mysql_native_password BY '{v}'",
        "SET PASSWORD FOR '{n}'@'localhost' = PASSWORD('{v}')",
        "ALTER ROLE {n} WITH PASSWORD '{v}'",
        "CREATE ROLE {n} LOGIN ENCRYPTED PASSWORD '{v}'",
        "UPDATE users SET password = '{v}' WHERE name = '{n}'",
        "SELECT * FROM users WHERE name='{n}' AND password='{v}'",
        "INSERT INTO users (name, password) VALUES ('{n}', '{v}')",
        "mysql -u {n} -p{v} shop",
        "sshpass -p {v} ssh {n}@10.1.2.3",
        "sshpass -p '{v}' ssh {n}@10.1.2.3",
        "docker login -u {n} -p {v} registry.example.com",
        "curl -u {n}:{v} https://example.com/x",
        "curl --user '{n}:{v}' https://example.com/x",
        "redis-cli -a {v} ping",
        "AUTH {v}",
        "redis AUTH {n} {v}",
        "wget --user={n} --password={v} https://example.com/f",
        "kubectl create secret generic db --from-literal=password={v}",
        "kubectl create secret generic db --from-literal=user={n} --from-literal=pw={v}",
        "ldapsearch -D cn={n} -w {v} -b dc=x",
        "smbclient //srv/share -U {n}%{v}",
        "machine db.example.com login {n} password {v}",
        "Server=db;Database=x;User Id={n};Password={v};Encrypt=true",
        "jdbc:mysql://db:3306/x?user={n}&password={v}",
        "host=db user={n} password={v} dbname=x",
        "password for {n} is {v}",
        "the password of user {n} was set to {v}",
        "Wrong password {v} for user {n}",
        "{n} tried password '{v}'",
        "new password: {v} (user {n})",
        "user {n} logged in with password={v}",
        "Password for '{n}': {v}",
        "temporary password {v} sent to {n}",
        "PGPASSWORD={v} psql -U {n}",
        "{n} changed password from {v} to something else",
        'the secret for {n} is "{v}"',
        "api key {v} of {n} revoked",
        "passphrase=[{v}] user={n}",
        "sudo -S <<< {v} # {n}",
        "echo {v} | sudo -S true # {n}",
        "openssl enc -pass pass:{v} -in {n}.txt",
        "mongo -u {n} -p {v} admin",
        "psql postgresql://{n}:{v}@db/x",
        "net use X: \\\\srv\\x /user:{n} {v}",
        "vault login {v} # {n}",
        "htpasswd -b /etc/x {n} {v}",
        "rabbitmqctl add_user {n} {v}",
        "rabbitmqctl change_password {n} {v}",
    ):
        value = p("!*+_~" if "pass:" not in template else "!_~")
        if "postgresql" in template or ":{v}" in template:
            value = p("!*_~")
        yield one("statement", (template.format(n=n(), v=value), value))
    for template in (
        "Your verification code is {c}",
        "OTP: {c}",
        "otp={c}",
        "one-time code {c} sent",
        "2FA code: {c}",
        "use code {c} to log in, valid for 5 minutes",
        "{c} is your login code",
        "pin={c}",
        "PIN: {c}",
        "security code {c}",
        "mfa_code={c}",
        '{{"otp": "{c}"}}',
        '{{"otp": {c}}}',
        "Enter {c} to verify your phone",
        "sms code {c} delivered",
    ):
        code = s.chars("123456789", 1) + s.chars(DIGITS, 5)
        yield one("otp", (template.format(c=code), code))
    for template in (
        "recovery codes: {c}",
        "backup_codes=['{c}', 'zzzz-0000']",
        "recovery code {c} used",
        '{{"recovery_codes": ["{c}"]}}',
    ):
        code = f"{s.mixed(LOWER + DIGITS, 5)}-{s.mixed(LOWER + DIGITS, 5)}"
        yield one("recovery", (template.format(c=code), code))
    for template in ("cvv={c}", "cvc: {c}", '"cvv": "{c}"', "card security code: {c}"):
        code = s.chars("123456789", 3)
        yield one("cvv", (template.format(c=code), code))


# --- URLs and HTTP --------------------------------------------------------------------------------------------
def url_rows(s: Source) -> Iterator[Row]:
    for scheme, port in (
        ("postgres", 5432),
        ("postgresql+psycopg2", 5432),
        ("mysql", 3306),
        ("redis", 6379),
        ("mongodb+srv", 0),
        ("amqp", 5672),
        ("https", 443),
        ("ftp", 21),
        ("smtp", 587),
        ("ldap", 389),
        ("clickhouse", 9000),
        ("kafka", 9092),
        ("socks5", 1080),
    ):
        user, host = s.name(), s.host()
        for signs in ("!*_~.", "!*_~.@", "/#@"):
            if scheme in ("https", "ftp") and signs == "/#@":
                continue
            value = s.password(signs)
            yield Row(
                "url",
                f"userinfo-{signs}",
                f"connecting to {scheme}://{user}:{value}@{host}{f':{port}' if port else ''}/app failed",
                (value,),
                (host, "failed"),
            )
        value = s.password("!*_~")
        yield Row(
            "url",
            "userinfo-percent",
            f"{scheme}://{user}:{urllib.parse.quote(value, safe='')}@{host}/x",
            (urllib.parse.quote(value, safe=""),),
            (host,),
        )
    value = s.password("!*_")
    yield Row("url", "redis-no-user", f"redis://:{value}@cache:6379/0", (value,), ("cache",))
    for key in (
        "access_token",
        "token",
        "api_key",
        "sig",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "code",
        "client_secret",
        "password",
        "key",
        "auth",
        "sessionid",
        "refresh_token",
        "id_token",
        "reset_token",
        "apikey",
        "signature",
        "hmac",
        "jwt",
        "SAMLResponse",
        "ticket",
    ):
        value = s.mixed(WORD, 40)
        yield Row(
            "url",
            f"query-{key}",
            f"GET https://{s.host()}/cb?state=1&{key}={value}&lang=de HTTP/1.1",
            (value,),
            ("lang=de",),
        )
        yield Row(
            "url",
            f"fragment-{key}",
            f"https://app.example.com/#/cb#{key}={value}&expires_in=3600",
            (value,),
            ("expires_in=3600",),
        )
    for path in (
        "/reset/{t}",
        "/password-reset/confirm/MQ/{t}/",
        "/verify-email/{t}",
        "/invite/{t}?x=1",
        "/magic/{t}",
        "/api/token/{t}/refresh",
        "/unsubscribe/{t}",
        "/activate/{t}",
        "/auth/callback/{t}",
        "/share/{t}",
        "/accounts/reset/{t}",
    ):
        value = s.pick([s.mixed(URLSAFE[:-2], 32), s.mixed(HEX, 40), s.mixed(WORD, 43)])
        yield Row("url", "path", f"POST https://example.com{path.format(t=value)} 200", (value,), ("200",))
    value = s.token()
    yield Row(
        "url",
        "git",
        f"git clone https://x-access-token:{value}@github.com/acme/app.git",
        (value,),
        ("github.com/acme/app.git",),
    )
    yield Row(
        "url",
        "git-token",
        f"git remote add o https://{value}@github.com/acme/app.git",
        (value,),
        ("github.com/acme/app.git",),
    )


def http_rows(s: Source) -> Iterator[Row]:
    t = s.token
    basic = base64.b64encode(f"{s.name()}:{s.password()}".encode()).decode()
    for make in (
        "Authorization: Bearer {t}",
        "authorization: bearer {t}",
        "'Authorization': 'Bearer {t}'",
        '"Authorization":"Bearer {t}"',
        "Authorization=Bearer {t}",
        "Proxy-Authorization: Bearer {t}",
        "Authorization: Token {t}",
        "Authorization: token {t}",
        "Authorization: ApiKey {t}",
        "Authorization: {t}",
        'Authorization: Digest username="bob", realm="x", nonce="abc", response="{t}"',
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={t}",
        "sent Bearer {t} to api",
        "curl -H 'Authorization: Bearer {t}' x",
        "X-Api-Key: {t}",
        "X-Auth-Token: {t}",
        "x-amz-security-token: {t}",
        "X-CSRF-Token: {t}",
        "X-Vault-Token: {t}",
        "X-GitHub-Token: {t}",
        "Api-Key: {t}",
        "PRIVATE-TOKEN: {t}",
        "X-Access-Token: {t}",
        "(b'authorization', b'Bearer {t}')",
        "[['authorization', 'Bearer {t}']]",
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {t}\r\nAccept: */*",
        "{{'HTTP_AUTHORIZATION': 'Bearer {t}'}}",
        "HTTP_X_API_KEY={t}",
        "Authorization%3A%20Bearer%20{t}",
        "authorization\tBearer {t}",
        '-H "Authorization: Bearer {t}"',
        "Ocp-Apim-Subscription-Key: {t}",
        "X-Hub-Signature-256: sha256={t}",
        "X-Goog-Api-Key: {t}",
        "DD-API-KEY: {t}",
    ):
        value = t()
        yield Row("http", make[:24], make.format(t=value), (value,))
    for make in ("Authorization: Basic {b}", "basic auth: Basic {b}", "got 'Basic {b}' from 10.0.0.1"):
        yield Row("http", "basic", make.format(b=basic), (basic,))
    for make in (
        "Cookie: sessionid={a}; csrftoken={b}",
        "cookie: theme=dark; sid={a}; _ga={b}",
        "'Cookie': 'sessionid={a}; remember={b}'",
        "Set-Cookie: sessionid={a}; Path=/; HttpOnly; SameSite=Lax\r\nSet-Cookie: x={b}",
        "set-cookie: JSESSIONID={a}; Path=/app; Secure # token={b}",
        "HTTP_COOKIE='PHPSESSID={a}; auth={b}'",
        "Cookie: connect.sid=s%3A{a}.{b}",
        "cookies={{'sessionid': '{a}', 'x': '{b}'}}",
        "session cookie {a} and token {b}",
    ):
        a, b = s.mixed(WORD, 32), s.mixed(WORD, 26)
        yield Row("http", "cookie", make.format(a=a, b=b), (a, b))


# --- personal data ----------------------------------------------------------------------------------------------
def pii_rows(s: Source) -> Iterator[Row]:
    for mail in (
        "bob@example.com",
        "first.last+tag@sub.example.co.uk",
        "o'neil@example.ie",
        "a_b-c@xn--mnchen-3ya.de",
        "user123@mail.example.museum",
        "info@1and1.com",
    ):
        for frame in (
            "mail from {0} bounced",
            "<{0}>",
            "user={0};",
            "to:{0},cc:x",
            "{0}",
            "https://example.com/?email={0}&x=1",
            "mailto:{0}",
        ):
            yield Row("pii", "email", frame.format(mail), (mail,))
    yield Row("pii", "email-percent", "GET /?email=bob%40example.com&x=1", ("bob%40example.com",))
    for prefix, length in (
        ("4", 16),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("34", 15),
        ("37", 15),
        ("6011", 16),
        ("65", 16),
        ("3528", 16),
        ("62", 16),
        ("36", 14),
    ):
        card = s.luhn(prefix, length)
        groups = (
            " ".join(card[i : i + 4] for i in range(0, len(card), 4))
            if length == 16
            else f"{card[:4]} {card[4:10]} {card[10:]}"
        )
        for frame in ("card {0}", "paid with {0} ok", "{0}", '"number": "{0}"', "pan={0}"):
            yield Row("pii", "card", frame.format(card), (card,))
            yield Row("pii", "card-spaced", frame.format(groups), (groups,))
            yield Row("pii", "card-dashed", frame.format(groups.replace(" ", "-")), (groups.replace(" ", "-"),))
    for _ in range(8):
        iban = s.iban()
        spaced = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
        yield Row("pii", "iban", f"transfer to {iban} done", (iban,))
        yield Row("pii", "iban-spaced", f"IBAN: {spaced}, amount 12", (spaced,))
    for phone in (
        "+44 20 7946 0958",
        "+1 (555) 867-5309",
        "+4915123456789",
        "(415) 555-2671",
        "415-555-2671",
        "+33 6 12 34 56 78",
        "+49 30 901820",
        "+1-415-555-2671",
        "415.555.2671",
        "+919876543210",
        "+81 3-1234-5678",
        "0049 151 23456789",
    ):
        for frame in ("call {0} now", "phone: {0}", "sms to {0} sent", "{0}", '{{"phone": "{0}"}}'):
            yield Row("pii", "phone", frame.format(phone), (phone,))
    for key in ("phone", "phone_number", "mobile", "telephone"):
        number = "555" + s.chars(DIGITS, 7)
        yield Row("pii", "phone-key", f"{key}={number} x", (number,))
    for text, secret in (
        ("ssn 078-05-1120", "078-05-1120"),
        ("SSN: 219-09-9999", "219-09-9999"),
        ("ssn=219099999", "219099999"),
        ("cpf 529.982.247-25", "529.982.247-25"),
        ("NHS number 943 476 5919", "943 476 5919"),
        ("nino AB123456C", "AB123456C"),
        ("national insurance AB 12 34 56 C", "AB 12 34 56 C"),
        ("dni 12345678Z", "12345678Z"),
        ("codice fiscale RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("aadhaar 2341 2341 2346", "2341 2341 2346"),
        ("passport=X1234567", "X1234567"),
        ("date_of_birth: 1980-02-03", "1980-02-03"),
        ("dob=03/02/1980", "03/02/1980"),
        ("sin 046 454 286", "046 454 286"),
        ("AHV 756.9217.0769.85", "756.9217.0769.85"),
        ("pesel=44051401359", "44051401359"),
        ("personnummer 811218-9876", "811218-9876"),
        ("hetu 131052-308T", "131052-308T"),
        ("account number: 12345678", "12345678"),
        ("tax_id=12-3456789", "12-3456789"),
        ("national_id=8001015009087", "8001015009087"),
        ("driver_license=D1234567", "D1234567"),
    ):
        yield Row("pii", "id", text, (secret,))


# --- structures, records, encodings, exceptions ----------------------------------------------------------------
def structure_rows(s: Source) -> Iterator[Row]:
    for _ in range(60):
        key, value = spelled(s, s.pick(KEYS)), s.pick([s.password, s.token])()
        shapes: list[Any] = [
            {key: value},
            {"a": {"b": [{key: value}]}},
            [(key, value)],
            ({"name": key, "value": value},),
            {key: [value, "x"]},
            {key: {"inner": value}},
            deque([{key: value}]),
            {"headers": [[key.encode(), value.encode()]]},
            {"h": ((key, value), ("user", "bob"))},
            {key.encode(): value},
            {"k": {"key": key, "value": value}},
            {"body": json.dumps({key: value})},
            {"body": json.dumps(json.dumps({key: value}))},
            ["--user", "bob", f"--{key.replace('.', '-')}", value],
            {"l": [[[[{key: value}]]]]},
            {"b": f"{key}={value}".encode()},
            {"x": (1, 2, {key: (value,)})},
            {f"{key}={value}": 1},
            {"s": frozenset([f"{key}={value}"])},
            {"t": f"{{'{key}': '{value}'}}"},
            {"params": f"{key}={urllib.parse.quote(value)}"},
        ]
        for number, shape in enumerate(shapes):
            yield Row("structure", f"shape{number}", shape, (value,))
    for key, value in (
        ("pin", 4821),
        ("otp", 482913),
        ("cvv", 123),
        ("card_number", 4111111111111111),
        ("phone", 15558675309),
        ("ssn", 219099999),
        ("password", 12345678),
        ("number", 5555555555554444),
    ):
        yield Row("structure", "int", {key: value}, (str(value),))


def record_rows(s: Source) -> Iterator[Row]:
    for template, args in (
        ("%s=%s", ("password", None)),
        ("password=%s", (None,)),
        ("Bearer %s", (None,)),
        ("token: %r", (None,)),
        ("login with password %s for %s", (None, "bob")),
        ("%(user)s %(password)s", {"user": "bob", "password": None}),
        ("%(x)s", {"x": "y", "secret": None}),
        ("headers %s", ({"Authorization": None},)),
        ("%s", ([("api_key", None)],)),
        ("url %s", ("postgres://u:{}@h/db",)),
        ("body %s", ('{{"password": "{}"}}',)),
        ("%-10s|%s", ("a", "token={}")),
        ("args %s %s", (b"password={}", 3)),
    ):
        value = s.mixed(WORD, 20)
        if isinstance(args, dict):
            filled: Any = {k: value if v is None else v for k, v in args.items()}
        else:
            filled = tuple(fill(a, value) for a in args)
        yield Row("record", template, template, (value,), args=filled)
    for key in ("password", "x_api_key", "note", "request"):
        value = s.mixed(WORD, 20)
        yield Row(
            "record",
            f"extra-{key}",
            "message",
            (value,),
            extra={key: value if key in ("password", "x_api_key") else f"token={value}"},
        )


def fill(arg: Any, value: str) -> Any:
    if arg is None:
        return value
    if isinstance(arg, str):
        return arg.replace("{{", "{").replace("}}", "}").replace("{}", value)
    if isinstance(arg, bytes):
        return arg.replace(b"{}", value.encode())
    if isinstance(arg, dict):
        return {k: fill(v, value) for k, v in arg.items()}
    if isinstance(arg, list):
        return [tuple(fill(x, value) for x in item) for item in arg]
    return arg


def encoding_rows(s: Source) -> Iterator[Row]:
    for _ in range(25):
        key, value = spelled(s, s.pick(KEYS)), s.mixed(WORD, 18)
        document = json.dumps({"user": "bob", key: value})
        yield Row(
            "encoding",
            "base64-json",
            f"payload {base64.b64encode(document.encode()).decode()} end",
            (base64.b64encode(document.encode()).decode()[:-4],),
            ("end",),
        )
        yield Row(
            "encoding",
            "base64-user",
            f"creds {base64.b64encode(f'bob:{value}'.encode()).decode()}",
            (base64.b64encode(f"bob:{value}".encode()).decode(),),
        )
        yield Row("encoding", "percent", f"q={urllib.parse.quote(document, safe='')}", (value,))
        yield Row(
            "encoding",
            "percent-twice",
            f"q={urllib.parse.quote(urllib.parse.quote(document, safe=''), safe='')}",
            (value,),
        )
        yield Row("encoding", "json-json", json.dumps(json.dumps(document)), (value,))
        yield Row("encoding", "json-x3", json.dumps(json.dumps(json.dumps({key: value}))), (value,))
        yield Row("encoding", "unicode", document.replace('"', "\\u0022"), (value,))
        yield Row("encoding", "unicode-key", document.replace(key, "".join(f"\\u{ord(c):04x}" for c in key)), (value,))
        yield Row("encoding", "html", html.escape(document), (value,))
        yield Row("encoding", "hex-escape", document.replace('"', "\\x22"), (value,))
        yield Row(
            "encoding",
            "full-width",
            "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in key) + "=" + value,
            (value,),
        )
        yield Row("encoding", "zero-width", "\u200b".join(key) + "=" + value, (value,))
        yield Row("encoding", "ansi", f"\x1b[1m{key}\x1b[0m: \x1b[33m{value}\x1b[0m done", (value,), ("done",))
        yield Row("encoding", "bytes-repr", repr({key.encode(): value.encode()}), (value,))


def positives(seed: int, rounds: int = 10) -> list[Row]:
    """Return all positive rows for a seed."""
    s = Source(seed)
    rows: list[Row] = []
    for _ in range(rounds):
        rows += token_rows(s)
        for notation, template in NOTATIONS.items():
            rows += [text_row(s, notation, template) for _ in range(3)]
        for make in (other_text_rows, url_rows, http_rows, pii_rows, structure_rows, record_rows, encoding_rows):
            rows += make(s)
    return rows
