"""Secrets whose name stands elsewhere: bound parameters, columns, validation errors, manifests, argument lists."""

from __future__ import annotations

from typing import Any

import pytest

from seclog_handlers.redaction import Redactor, redact

SECRET = "hunter2" + "Xy9"
WORD = "Sommer"
redactor = Redactor()

FAR = [
    "[SQL: UPDATE users SET password=? WHERE users.id = ?]\n[parameters: ('{}', 5)]",
    "[SQL: UPDATE users SET name=?, password=? WHERE id=?] [parameters: ('bob', '{}', 5)]",
    "INSERT INTO users (name, password) VALUES (%s, %s) args=('bob', '{}')",
    "UPDATE users SET password = $2 WHERE id = $1 DETAIL:  parameters: $1 = '7', $2 = '{}'",
    "id,user,password\n1,bob,{}\n2,eve,x1", " id | password | n\n----+----------+---\n  1 | {} | 3\n(1 row)",
    "| user | password |\n|------|----------|\n| bob | {} |", "user\tpassword\nbob\t{}\n",
    "[{{'type': 'string_too_short', 'loc': ('body', 'password'), 'msg': 'Too short', 'input': '{}'}}]",
    '{{"field": "password", "old": "{}", "new": "b1"}}', '{{"field": "password", "old": "a1", "new": "{}"}}',
    "kind: Secret\ndata:\n  db: {}\n  x: 1\ntype: Opaque", '{{"kind": "Secret", "data": {{"a": "b", "db": "{}"}}}}',
    "PuTTY-User-Key-File-3: ssh-rsa\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\n{}\nPrivate-MAC: 00",
    "password mismatch: 'other1' != '{}'", "GET /cb?code=abc4DEF123ghi&a=1&state={}456qwe HTTP/1.1",
]  # fmt: skip


@pytest.mark.parametrize("template", FAR)
def test_finds_what_is_named_elsewhere(template: str) -> None:
    """A placeholder's parameter, a cell below its column, an input beside its location, a Secret's data go."""
    clean = redactor.text(template.format(SECRET))

    assert SECRET not in clean
    assert "[REDACTED]" in clean


def test_the_rest_of_a_table_stays() -> None:
    """Only the column that is called a secret's name goes, and both where there are two."""
    clean = redactor.text("id,password,token,city\n1,Sommer,abc123,Bonn\n2,hunter,def456,Trier\nend")

    assert clean == "id,password,token,city\n1,[REDACTED],[REDACTED],Bonn\n2,[REDACTED],[REDACTED],Trier\nend"


SAID = [
    "login with password {}", "tried password {} for bob", "Logged in as bob with password {}.", "using password {}, failed",
    "/search?q=password+is+{}", "passphrase for key: {} monkey 16",
]  # fmt: skip


@pytest.mark.parametrize("template", SAID)
def test_finds_passwords_of_letters_alone(template: str) -> None:
    """Where a sentence leaves room for nothing else, a word is a password."""
    assert WORD not in redactor.text(template.format(WORD))


BENIGN = [
    "login with password disabled", "with password Authentication enabled", "trying password authentication for bob",
    "and password Manager, version 2", "SELECT id, password FROM t\nrows: 3", "id,password_hint\n1,dog", "kind: Secret\nmetadata: x",
    "UPDATE t SET password = ? WHERE id = ?", "[parameters: (5, 'shipped')]", "ssl_key: /etc/ssl/private/server.key",
    "token_type=bearer expires_in=3600", "aws secretsmanager get-secret-value --secret-id prod/db", "libsecret-1-0:amd64 1.2",
    "run with --install /usr/share/man/man1/psql.1.gz psql.1.gz /usr/share/postgresql/15/man/man1/psql.1.gz",
    "PASSWORD_HASHERS = ['django.contrib.auth.hashers.PBKDF2PasswordHasher']", "/api/items?q=password+reset", "docker run -u 1000:1000 x",
]  # fmt: skip


@pytest.mark.parametrize("text", BENIGN)
def test_leaves_what_only_speaks_of_secrets(text: str) -> None:
    """Sentences, statements without values, paths and names of secrets stay."""
    assert redactor.text(text) == text


SHAPES: list[Any] = [
    ["mysql", "-u", "root", "-p" + SECRET, "shop"], ("curl", "-u", "bob:" + SECRET, "https://x"),
    ["docker", "login", "-p", SECRET], ["net", "user", "bob", SECRET, "/add"], ["/usr/bin/vault", "login", SECRET],
    ["sh", "-c", "mysql -p" + SECRET + " x"], {"password_confirmation": "QxLd[3di" + SECRET}, {"cmd": ["sshpass", "-p", SECRET, "ssh", "x"]},
    {"field": "password", "old": SECRET, "new": SECRET}, [{"loc": ("body", "password"), "input": SECRET}],
    {"kind": "Secret", "data": {"db": SECRET}}, {"tokens": {"a1B2c3D4e5F6" + SECRET: 1}}, {"api": {"key": "0f" * 16}},
    {"session": "0f" * 16}, {"auth": {"user": "bob", "pass": "JRZX(vQa" + SECRET}},
]  # fmt: skip


@pytest.mark.parametrize("value", SHAPES, ids=repr)
def test_finds_what_only_the_shape_tells(value: Any) -> None:
    """Options in a list of arguments, an audit's old and new, an error's input, a Secret's data, a key of its API go."""
    clean = repr(redact(value))

    assert SECRET not in clean
    assert "0f0f" not in clean


def test_a_list_of_arguments_keeps_its_length() -> None:
    """Each argument stays where it was; those without secrets as they were."""
    assert redact(["mysql", "-uroot", "-p" + SECRET, "it's", "a', 'b"]) == [
        "mysql", "-uroot", "-p[REDACTED]", "it's", "a', 'b",
    ]  # fmt: skip
