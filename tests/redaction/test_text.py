"""Secrets in text, by notation and by kind; and text that only looks like one."""

from __future__ import annotations

import base64
import json

import pytest

from seclog_handlers.redaction import Redactor

redactor = Redactor()
SECRET = "hunter2" + "Xy9!"
HEX = "0123456789abcdef" * 4
WORD = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzA1bC3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz" * 3

NOTATIONS = [
    "password={}", "password = {}", "password: {}", "PASSWORD:{}", "user=bob password={} host=x", 'password="{}"', "password='{}'",
    '{{"password": "{}", "user": "bob"}}', '"{{\\"password\\": \\"{}\\", \\"n\\": 1}}"', "{{'password': '{}', 'n': 1}}", "{{b'password': b'{}'}}",
    "[('user', 'bob'), ('password', '{}')]", "Login(user='bob', password='{}', n=3)", "Login{{user=bob, password={}}}", "user: bob\npassword: {}\nport: 1",
    "password: |\n  {}\nuser: bob", '<password>{}</password>', '<wsse:Password Type="x">{}</wsse:Password>', '<login user="bob" password="{}"/>',
    "<password><![CDATA[{}]]></password>", '<add key="DbPassword" value="{}" />', '{{"name": "password", "value": "{}"}}', "run --password {} -v", "run --password={} -v",
    "['run', '--password', '{}']", "export DB_PASSWORD={}", "docker run -e DB_PASSWORD={} app", "[password] => {}", '["password"]=> string(9) "{}"', 's:8:"password";s:9:"{}";',
    "{{:password=>\"{}\"}}", "{{User:bob Password:{} Port:1}}", 'password := "{}"', 'Config {{ password: Some("{}") }}', 'config.put("password", "{}")', "GET /x?a=1&password={}&b=2",
    "/x?password[]={}", "/x?user[password][0]={}&b=2", "/x?user%5Bpassword%5D%5B%5D={}",
    "#access_token={}&x=1", 'form-data; name="password"\r\n\r\n{}\r\n--x', "password for alice is {}", "the password was set to {}", "Wrong password {} for bob", "password '{}' rejected",
    "ALTER USER bob IDENTIFIED BY '{}'", "ALTER ROLE bob WITH PASSWORD '{}'", "INSERT INTO users (name, password) VALUES ('bob', '{}')", "mysql -u bob -p{} shop", "sshpass -p {} ssh x",
    "curl -u bob:{} https://x", "redis-cli -a {} ping", "AUTH {}", "machine x login bob password {}", "Server=db;Password={};Encrypt=true", "vault login {}", "echo {} | sudo -S true",
    "password\x1b[0m=\x1b[31m{}\x1b[0m", "pass\u200bword={}", "ｐassword＝{}", "password&#61;{}", "&quot;password&quot;: &quot;{}&quot;", '\\u0022password\\u0022: \\u0022{}\\u0022', "\\x22password\\x22: \\x22{}\\x22",
    "the api key is {}", "client_secret={}", "AWS_SECRET_ACCESS_KEY={}", "private key: {}", "sessionid={}", "X-Api-Key: {}", "Authorization: Bearer {}", "Authorization: {}", "Cookie: theme=dark; sid={}",
    "Set-Cookie: sid={}; Path=/; HttpOnly", "passwort={}", "contraseña={}", "пароль: {}", "mot_de_passe={}",
    "username bob password 7 {}", "tacacs-server key {}", "snmp-server community {} RO", 'pre-shared-key ascii-text "{}"', "login attempt [root/{}] failed", "login attempt [b'root'/b'{}']",
    "hydra -l root -p {} ssh://x", "psexec.py CORP/bob:{}@10.0.0.1", "schtasks /ru bob /rp {} /tn x", "credentials: admin / {}", "auth = bob:{}", 'password = "b1" -> "{}"', "root:{}@/db?x=1", "//bob:{}@srv/share",
    'sending cookie "sid={}"', '{{"k":"password","v":"{}"}}', '(password . "{}")', '[:password, "{}"]', "password;{};x", '"password","{}"', "secret key (base32): {}4Zq6Tn",
    "'{}' is the client secret", "{} is not the api key", "remember_token={}", "luks_key={}", "api_hash_secret={}",
    "clave={}", "net rpc -U bob%{}", "kinit bob <<< {}", "echo {} | kinit bob", "printf '%s' '{}' | docker login -u bob --password-stdin", "openssl passwd -1 {}", "REDISCLI_AUTH={} redis-cli",
    "gh secret set X --body {}", "sentinel auth-pass mymaster {}", "userPassword:: {}", "auth failed (bob:{})", "auth bob/{}", "secret value: {}", "Duplicate entry '{}' for key 'api_token'", "password changed from 'a1' to '{} am Meer'",
    "output.elasticsearch.password: {}", "auth-user-pass: bob / {}", 'EXECVE a0="mysql" a1="-u" a2="root" a3="-p{}"', 'EXECVE a0="sshpass" a1="-p" a2="{}" a3="ssh"', "backup.sh -p {} -u bob", 'page.fill("#password", "{}")',
    'passwords "one1" and "{}" differ', "stuffing attempt: bob@example.com:{}", "snmp community string is {}", '<saml:Attribute Name="password"><saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>',
    "api key in use: {}", "password of service ci: {}", "new password [user 7]: {}", "client secret must differ from '{}'", "apiToken <- '{}'", "dbPassword [string] = {}", "field api_key contains '{}'",
    "db password leaked in log: {}", "api key from env: {}", "master key (svc-ci): {}", "client secret mismatch, got {}", "passphrase mismatch: got '{}'", "'API_TOKEN' changed to '{}'", "expected API_KEY to be '{}'",
    "setx DB_PASSWORD {}", "SUPABASE_SERVICE_ROLE_KEY={}9a8b7c6d5e4f",
    "apiToken ||= '{}'", 'array(1) {{\n  ["password"]=>\n  string(9) "{}"\n}}', '<add key="ClearTextPassword" value="{}" />', 'authentication for user "root" with password "{}" accepted', "Enter passphrase for key '/home/bob/.ssh/id_rsa': {}", "DETAIL:  Key (email, token)=(x, {}) already exists.", "device flow user_code={}", "GET /cgi-bin/;stok={}/admin",
]  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
def test_finds_the_value_beside_its_name(notation: str) -> None:
    """A secret that stands beside its name goes, whatever the notation."""
    clean = redactor.text(notation.format(SECRET))

    assert SECRET not in clean
    assert "[REDACTED]" in clean


TOKENS = [
    "pi_" + WORD[:24] + "_secret_" + WORD[:25], "4/0A" + WORD[:69], "aio_" + WORD[:28], "hooks.zapier.com/hooks/catch/1234567/" + WORD[:12], "4839574813:AA" + WORD[:32], "$8$" + WORD[:14] + "$" + WORD[:43], "AIK_CI_" + WORD[:30], "STS." + WORD[:30], "apify_api_" + WORD[:36], "BBDC-" + WORD[:40], "BSA" + WORD[:28], "bkpt_" + WORD[:199], "cnvca" + WORD[:51], "csk-" + WORD[:48].lower(), "CCIPAT_" + WORD[:22] + "_" + WORD[:40].lower(),
    "CCDB1_" + WORD[:22] + "_" + WORD[:40], "AstraCS:" + WORD[:48], "ddp_" + WORD[:36], "dvc_server_" + WORD[:24], "SWMTKN-1-" + WORD[:50].lower() + "-" + WORD[:25].lower(), "essu_" + WORD[:70], "EXO" + WORD[:27], "AQ.Ab8RN6" + WORD[:44],
    "lip_" + WORD[:20], "llx-" + WORD[:48], "mlsn." + WORD[:64], "mdb_sa_sk_" + WORD[:40], "nyk_" + WORD[:67], "API-" + WORD[:26].upper(), "api_live_us." + WORD[:30], "pdl_live_apikey_" + WORD[:26].lower() + "_" + WORD[:22] + "_" + WORD[:3],
    "pcsk_" + WORD[:6] + "_" + WORD[:63], "polar_oat_" + WORD[:40], "phx_" + WORD[:20] + "_" + WORD[:22], "re_" + "kQzWmRtB" + "_" + WORD[:24], "rpa_" + WORD[:30], "tgp_v1_" + WORD[:43], "vcp_" + WORD[:20] + "_-" + WORD[:34], "wandb_v1_" + WORD[:77],
    "xai-" + WORD[:30] + "-_" + WORD[:48], "PMAT-" + WORD[:26], "packagist_ort_" + HEX[:60] + HEX[:8], "key_" + HEX[:64], "5512345678" + "90123|" + WORD[:27],
    "newvendor_live_" + WORD[:40],
    "AKIA" + "ABCDEFGH" + "23456723", "ghp_" + WORD[:36], "github_pat_" + WORD[:22] + "_" + WORD[:59], "glpat-" + WORD[:20], "xoxb-" + "1" * 12 + "-" + "2" * 12 + "-" + WORD[:24], "sk_live_" + WORD[:24],
    "SK" + HEX[:32], "SG." + WORD[:22] + "." + WORD[:43], "npm_" + WORD[:36], "pypi-AgE" + WORD[:60], "dckr_pat_" + WORD[:27], "hf_" + WORD[:34], "sk-proj-" + WORD[:60], "sk-ant-api03-" + WORD[:90], "AIza" + WORD[:35], "ya29." + WORD[:60],
    "123456789:AA" + WORD[:33], "M" + WORD[:23] + "." + WORD[:6] + "." + WORD[:27], "shpat_" + HEX[:32], "sq0atp-" + WORD[:22], "dop_v1_" + HEX[:64], "NRAK-" + WORD[:27].upper(), "hvs." + WORD[:90], WORD[:14] + ".atlasv1." + WORD[:64],
    "ATATT3xFfGF0" + WORD[:170], "lin_api_" + WORD[:40], "secret_" + WORD[:43], "figd_" + WORD[:40], "dapi" + HEX[:32], "glsa_" + WORD[:32] + "_" + HEX[:8], "eyJhbGciOiJIUzI1NiJ9." + WORD[:30] + "." + WORD[:43],
    "abc8Q~" + WORD[:34], "$apr1$" + WORD[:8] + "$" + "Poj8VmKBk.f.dlwCg.VoWp", "$2b$12$" + WORD[:53], "-----BEGIN PRIVATE KEY-----\n" + WORD[:64] + "\n-----END PRIVATE KEY-----", "AGE-SECRET-KEY-1" + "QPZRY9X8" * 7 + "QP",
]  # fmt: skip


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:8])
@pytest.mark.parametrize("frame", ["using {} now", "{}", "[{}]", "x={};", '{{"v": "{}"}}'])
def test_finds_tokens_by_their_look(token: str, frame: str) -> None:
    """A vendor's token goes without any name beside it."""
    clean = redactor.text(frame.format(token))

    assert token[12:] not in clean


PERSONAL = [
    "bob@example.com", "o'neil+x@sub.example.co.uk", "4111 1111 1111 1111", "5555555555554444", "378282246310005", "DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "+44 20 7946 0958", "(415) 555-2671", "415-555-2671",
    "078-05-1120", "529.982.247-25", "943 476 5919", "AB123456C", "12345678Z", "RSSMRA85T10A562S", "756.9217.0769.85",
]  # fmt: skip


@pytest.mark.parametrize("value", PERSONAL)
def test_finds_personal_data(value: str) -> None:
    """E-mail addresses, phones, cards, IBANs and national ids go."""
    assert value not in redactor.text(f"contact {value} today")


URLS = [
    ("postgres://app:{}@db:5432/x", "p@ss/w#rd"), ("redis://:{}@cache:6379/0", "hunter2!"), ("https://bob:{}@example.com/x", "hunter2!"), ("mongodb+srv://u:{}@h/x", "pa:ss"), ("https://{}@github.com/a/b.git", WORD[:32]),
    ("https://x/reset/{}/", WORD[:32]), ("https://x/a?password={}&b=2", "ab#cd12"), ("https://x/a?api_key={}", "Xk29d#kfj2"), ("https://x/magic-login?t={}&next=/home", WORD[:32]), ("https://x/?sig={}&a=1", WORD[:40]), ("https://{}@o1.ingest.sentry.io/2", HEX[:32]),
]  # fmt: skip


@pytest.mark.parametrize(("template", "secret"), URLS)
def test_finds_secrets_in_urls(template: str, secret: str) -> None:
    """Passwords with raw @, / and #, tokens before the host, in the path and in the query go; the host stays."""
    clean = redactor.text(f"open {template.format(secret)} failed")

    assert secret not in clean
    assert clean.endswith("failed")


BENIGN = [
    "Failed to watch *v1.Secret: secrets is forbidden: User x cannot list", "host key AAAAC3NzaC1lZDI1NTE5AAAAI" + WORD[:43] + " on node34", "PasswordMailer JID-b9c1f529c8d458a3 INFO: done: 0.31 sec", "...ers/web/auth/auth.go:200:SignInPost() [I] Failed", "offer: hmac-md5-96,hmac-ripemd160@openssh.com,chacha20-poly1305@openssh.com [preauth]", "AUTH failure (DIGEST-MD5): user not found",
    "insert into cats(name, toy, born) values('kate', 'ball', now());", "password: {{ vault_password }}", "password=com.acme.Secret@1b2c3d4e", "req_" + WORD[:24] + " done", "msg_01" + WORD[:22], "pi_" + WORD[:24] + " succeeded", "https://x/login?next=/home&ref=newsletter", "resp_" + HEX[:48], "https://x/share?v=dQw4w9WgXcQ", "https://x/a?page=2#top", "https://x/a?id=7#step2",
    "password reset requested", "token expired", "password is required", "invalid password", "Password must be at least 8 characters", "token_count=5 max_tokens=4096", "secret_name=db has_password=True password_changed=false", "auth_method=password author=bob", "password=None", "password: null", "token=***",
    "risk_score=73 session_headers=3", "usr_k3_" + HEX[:32], "sha256:" + HEX, "commit " + HEX[:40], "request 123e4567-e89b-42d3-a456-426614174000 done", "2024-05-01T10:00:00.123456+00:00", "1714557600123", "order 1234567890123456", "10.0.0.1 and 2001:db8::1", "user git@github.com",
    "Failed password for root from 10.0.0.1 port 22 ssh2", "Accepted publickey for bob from 10.0.0.1: RSA SHA256:" + WORD[:43], "fields: ['username', 'password', 'email']", "docker run -p 8080:80 nginx", "mkdir -p /var/x", "foo@2x.png", "the secret of good code is naming", "Bearer token missing", "Basic authentication required", "keys: 12 monkey=1 primary key 7",
    "https://example.com/@bob/post", "http://host:8080/reset", "password = getpass.getpass()", "if password == other:", "token = request.headers.get('X')", "price 1,234,567.89", "1.38435736E+12", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "django.security.csrf: Forbidden (CSRF cookie not set.): /admin/", "random_password.db: Creation complete after 0s", "  + password = (sensitive value)", "secret = (known after apply)", "Using --password via the CLI is insecure.",
    "pass=6327 fail=0 skip=1", "PASS tests/test_auth.py::test_token", "curl -u : --negotiate https://db1.example.net", '{"tokens": {"prompt": 2044, "completion": 2755}}',
    "  at validatePassword (/app/src/auth/password.js:277:51)", "\t/src/auth/password.go:1662 +0x1d",
    "chpasswd: (user bob) pam_chauthtok() failed", "pam_cracklib: bad password: it is based on a dictionary word", 'headers = {"Authorization": f"Bearer {token}"}', "        password: ${{ secrets.DOCKER_PASSWORD }}",
    "--set auth.existingSecret=db-secret", "--secret id=npm,src=.npmrc", "--auth-type basic --auth-realm x", "GET /v2/auth/blobs/sha256:" + HEX, "host key SHA256:" + WORD[:43] + " changed",
    "sent reset token to admin2", "revoking verification code of admin2", "passphrase is stored hashed", "OTP issued: 2718 times", "client secret used: 3431", "token of user bob42 was changed",
    "otp: {{ otp }}", "credentials: {{ credentials }}", "token created: 2026-01-01T10:00:00Z", "password set: true", "secrets found: 12", "'password' changed to required",
    "wrong OTP 9221 times", "secrets_loaded=1452", "hash_password=True", " * [new branch]  fix/password-hash -> origin/fix/password-hash", "python manage.py changepassword bob", "cookies: 12 accepted", "join --discovery-token-ca-cert-hash sha256:" + HEX,
    "Login\npassword\n  Field required [type=missing, input_value={'username': 'bob'}, input_type=dict]",
]  # fmt: skip


@pytest.mark.parametrize("text", BENIGN)
def test_leaves_what_is_no_secret(text: str) -> None:
    """Words about secrets, numbers, hashes, ids, addresses and code stay as they are."""
    assert redactor.text(text) == text


@pytest.mark.parametrize("secret", ["Admin@12345", "Welcome@123456", "{{h}o)p${e]nob(ody[finds>-_}}"])
def test_finds_what_looks_like_a_reference(secret: str) -> None:
    """A name and a number are no object's address, braces that hold braces are no template."""
    assert secret not in redactor.text(f'login of user "root" with password "{secret}" accepted')
    assert secret not in redactor.text(f'api_password = "{secret}"')


def test_keeps_the_words_around_a_secret() -> None:
    """Only the secret goes: what stands before and after it stays readable."""
    clean = redactor.text("2024 login bob Authorization: Bearer " + WORD[:32] + " from 10.0.0.1 took 3 ms")

    assert clean == "2024 login bob Authorization: Bearer [REDACTED] from 10.0.0.1 took 3 ms"


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_reads_through_nested_json(depth: int) -> None:
    """JSON in a JSON string, several times over, hides nothing."""
    text: object = {"user": "bob", "password": SECRET}
    for _ in range(depth):
        text = json.dumps(text)

    assert SECRET not in redactor.text(str(text))


def test_reads_through_base64() -> None:
    """Base64 of JSON with a secret, and of user:password, goes as a whole."""
    document = base64.b64encode(json.dumps({"password": SECRET}).encode()).decode()
    pair = base64.b64encode(b"bob:" + SECRET.encode()).decode()

    clean = redactor.text(f"a {document} b {pair} c")

    assert clean == "a [REDACTED] b [REDACTED] c"


def test_reads_through_two_percent_layers() -> None:
    """Percent-encoding of percent-encoding hides nothing."""
    assert SECRET not in redactor.text(f"q=%257B%2522password%2522%253A%2522{SECRET}%2522%257D")


def test_cuts_long_text_with_the_run_at_the_cut() -> None:
    """A text over 256 kB is cut before it is scanned, the unbroken run at the cut goes, and a mark says how much."""
    text = "word " * 50_000 + "x" * 40_000 + SECRET + "tail"

    clean = redactor.text(text)

    assert len(clean) <= 262_144
    assert "xxxx" not in clean
    assert clean.endswith(f"[CUT: {len(text) - 250_000} characters missing]")
    assert redactor.text(clean) == clean


def test_withholds_text_that_is_all_names() -> None:
    """A text with more names than any log line is withheld, not scanned for ever."""
    assert redactor.text("password " * 25_000) == "[WITHHELD: too many names]"


def test_one_secret_in_a_long_line_costs_only_itself() -> None:
    """A long ordinary text keeps everything but its secret."""
    text = "all is well here, nothing to see; " * 3_000 + f"password={SECRET} end"

    assert redactor.text(text) == text.replace(SECRET, "[REDACTED]")


def test_finds_a_code_in_two_groups() -> None:
    """A one-time code is found in a sentence also where no four of its digits stand together."""
    assert redactor.text("enter 123 456 to verify your login") == "enter [REDACTED] to verify your login"
