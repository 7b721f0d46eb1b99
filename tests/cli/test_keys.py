from __future__ import annotations

import base64
import gzip
import json
import os
import pwd
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.cli import key, whois
from seclog_handlers.pseudonym import KeyRing, Pseudonymizer, parse_keys
from tests.cli.command import seclog

FIRST = "k1:" + "a" * 32
SECOND = "k2:" + "b" * 32


@pytest.fixture
def keys(tmp_path: Path) -> str:
    (tmp_path / "keys").write_text(f"{FIRST}\n{SECOND}\n")
    return "file:keys"


def tokens(value: str, field: str = "username", scope: str = "") -> list[str]:
    return list(Pseudonymizer(keys=[FIRST, SECOND], scope=scope).tokens(field, value).values())


def test_a_new_key_is_private(tmp_path: Path) -> None:
    """`key new FILE` writes 32 random bytes to a file that its owner alone may read, and does not show them."""
    done = seclog("key", "new", "seclog.key", cwd=tmp_path)

    path = tmp_path / "seclog.key"
    name, _, secret = path.read_text().strip().partition(":")
    assert done.returncode == 0
    assert (path.stat().st_mode & 0o777, name, len(base64.b64decode(secret, validate=True))) == (0o600, "k1", 32)
    assert secret not in done.stdout + done.stderr


def test_a_new_key_is_printed_without_a_file(tmp_path: Path) -> None:
    """`key new` alone prints one key, nothing else, for a secret store; no two are the same."""
    printed = {seclog("key", "new", "--id", "k7", cwd=tmp_path).stdout for _ in range(2)}

    assert len(printed) == 2
    assert all(KeyRing([line.strip()]).keys[0].id == "7" for line in printed)


@pytest.mark.parametrize("link", [False, True])
def test_a_new_key_replaces_nothing(link: bool, tmp_path: Path) -> None:
    """A file of that name, or a link, stays as it is."""
    path = tmp_path / "seclog.key"
    path.symlink_to(tmp_path / "elsewhere") if link else path.write_text("mine")

    done = seclog("key", "new", "seclog.key", cwd=tmp_path)

    assert done.returncode == 1
    assert "rotate" in done.stderr
    assert not (tmp_path / "elsewhere").exists()
    assert link or path.read_text() == "mine"


def test_rotation_adds_a_key_that_writes(tmp_path: Path) -> None:
    """After `key rotate` the old key is still there, the new one is the newest, mode 600 stays."""
    seclog("key", "new", "seclog.key", cwd=tmp_path)
    path = tmp_path / "seclog.key"
    before = path.read_text()

    done = seclog("key", "rotate", "seclog.key", cwd=tmp_path)

    assert done.returncode == 0
    assert path.read_text().startswith(before)
    assert [found.id for found in KeyRing(parse_keys("keys", f"file:{path}")).keys] == ["1", "2"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Keep k1" in done.stdout
    assert os.listdir(tmp_path) == ["seclog.key"]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ("a" * 32, ["*", "k2"]),
        (f"{FIRST},{SECOND}", ["1", "2", "3"]),
        ("k9:" + "c" * 20, ["9", "10"]),
        ("old:" + "c" * 20, ["old", "2"]),
    ],
)
def test_rotation_counts_on(content: str, ids: list[str], tmp_path: Path) -> None:
    """The new id is one that no key has, whatever the old ones are called and however they are separated."""
    path = tmp_path / "seclog.key"
    path.write_text(content)

    done = seclog("key", "rotate", "seclog.key", cwd=tmp_path)

    found = [one.id for one in KeyRing(parse_keys("keys", f"file:{path}")).keys]
    assert done.returncode == 0, done.stderr
    assert len(found) == len(ids)
    assert all(want in ("*", have, f"k{have}") for want, have in zip(ids, found, strict=True))


@pytest.mark.parametrize("content", [None, "", "k1:short", f"{FIRST}\n{FIRST}\n"])
def test_rotation_refuses_a_file_that_is_no_key_file(content: str | None, tmp_path: Path) -> None:
    """A missing, empty or broken key file is said without showing it, and stays as it is."""
    path = tmp_path / "seclog.key"
    if content is not None:
        path.write_text(content)

    done = seclog("key", "rotate", "seclog.key", cwd=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not content or "a" * 32 not in done.stderr
    assert (path.read_text() if path.exists() else None) == content
    assert os.listdir(tmp_path) == ([] if content is None else ["seclog.key"])


def test_two_rotations_do_not_cross(tmp_path: Path) -> None:
    """While one rotation is under way another one is refused: none of the two keys would be lost."""
    (tmp_path / "seclog.key").write_text(FIRST)
    (tmp_path / "seclog.key.rotating").touch()

    done = seclog("key", "rotate", "seclog.key", cwd=tmp_path)

    assert done.returncode == 1
    assert (tmp_path / "seclog.key").read_text() == FIRST


def test_a_rotated_link_stays_a_link(tmp_path: Path) -> None:
    """The file behind a link gets the key."""
    (tmp_path / "real").write_text(FIRST + "\n")
    (tmp_path / "seclog.key").symlink_to("real")

    seclog("key", "rotate", "seclog.key", cwd=tmp_path)

    assert (tmp_path / "seclog.key").is_symlink()
    assert (tmp_path / "real").read_text().count("\n") == 2


@given(st.lists(st.text("k0123456789abc", min_size=1, max_size=16), max_size=6))
def test_the_next_id_is_new(ids: list[str]) -> None:
    """Whatever ids a ring has, the next one is none of them, with or without its k."""
    fresh = key.next_id(ids)

    assert fresh not in ids
    assert fresh.removeprefix("k") not in ids


def test_tokens_under_every_key(keys: str, tmp_path: Path) -> None:
    """`pseudonym` prints a token a line, oldest key first, as live logging writes them."""
    done = seclog("pseudonym", "Bob", "--keys", keys, cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.split() == tokens("bob")


@pytest.mark.parametrize("name", ["policy.ini", "policy.toml"])
def test_keys_and_scope_come_from_the_policy(name: str, keys: str, tmp_path: Path) -> None:
    """With --config the keys are those of the policy, and the tenant's scope too."""
    quote = '"' if name.endswith("toml") else ""
    (tmp_path / name).write_text(
        f"[seclog]\npseudonyms.keys = {quote}{keys}{quote}\npseudonyms.scope = {quote}acme{quote}\n"
    )

    done = seclog("pseudonym", "bob", "--config", name, "--field", "email", cwd=tmp_path)

    assert done.stdout.split() == tokens("bob", "email", "acme"), done.stderr


def test_a_value_from_stdin_stays_out_of_the_history(keys: str, tmp_path: Path) -> None:
    """`-` reads the value from standard input, and several fields give each kind of token."""
    done = seclog(
        "pseudonym", "-", "--keys", keys, "--field", "username", "--field", "email", cwd=tmp_path, stdin="bob\n"
    )

    assert done.stdout.split() == [*tokens("bob"), *tokens("bob", "email")]


@pytest.mark.parametrize(
    "command", ["pseudonym bob", "redact -", "whois usr_k1_" + "0" * 32 + " --candidates - --reason x"]
)
@pytest.mark.parametrize("given_keys", ["k1:" + "s3cr3t" * 5, "file:keys,k1:" + "s3cr3t" * 5, " "])
def test_a_key_on_the_command_line_is_refused(command: str, given_keys: str, keys: str, tmp_path: Path) -> None:
    """A bare key is refused by every command, is not repeated, and the way out is said."""
    done = seclog(*command.split(), "--keys", given_keys, cwd=tmp_path, stdin="")

    assert done.returncode == 2
    assert "s3cr3t" not in done.stdout + done.stderr
    assert "file:PATH" in done.stderr


def test_a_policy_without_keys_is_said(tmp_path: Path) -> None:
    """Tokens that are random per process cannot be made again, so nothing is printed."""
    (tmp_path / "policy.ini").write_text("[seclog]\nservice = shop\n")

    done = seclog("pseudonym", "bob", "--config", "policy.ini", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "random" in done.stderr


def look_up(token: str, keys: str, tmp_path: Path, *words: str, stdin: str = "") -> tuple[int, str, dict[str, object]]:
    done = seclog(
        "whois",
        token,
        "--keys",
        keys,
        "--reason",
        "ticket 7",
        "--audit",
        "audit.log",
        *words,
        cwd=tmp_path,
        stdin=stdin,
    )
    assert "Traceback" not in done.stderr
    line = (tmp_path / "audit.log").read_text() if (tmp_path / "audit.log").exists() else "{}"
    assert line.count("\n") <= 1
    return done.returncode, done.stdout, json.loads(line)


@pytest.mark.parametrize("number", [0, 1])
def test_whois_finds_a_person(number: int, keys: str, tmp_path: Path) -> None:
    """The candidate whose token it is, under the key that the token names, is printed and the look-up audited."""
    (tmp_path / "people.txt").write_text("alice\r\nBob\r\n\ncarol\n")

    status, said, audit = look_up(tokens("bob")[number], keys, tmp_path, "--candidates", "people.txt")

    assert (status, said) == (0, "Bob\n")
    assert audit["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert (audit["token"], audit["reason"], audit["found"]) == (tokens("bob")[number], "ticket 7", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z", str(audit["timestamp"]))
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600


def test_whois_finds_nobody(keys: str, tmp_path: Path) -> None:
    """Nobody fits: status 1, nothing is printed, the audit line says so and names no candidate."""
    status, said, audit = look_up(tokens("bob")[0], keys, tmp_path, "--candidates", "-", stdin="alice\ncarol\n")

    assert (status, said, audit["found"]) == (1, "", False)
    assert "alice" not in (tmp_path / "audit.log").read_text()


@pytest.mark.parametrize(
    ("field", "person"),
    [("email", "bob@example.com"), ("session_id", "abc123"), ("device_id", "d-1"), ("ip_address", "203.0.113.7")],
)
def test_whois_knows_every_kind(field: str, person: str, keys: str, tmp_path: Path) -> None:
    """The kind that a token names is the kind that candidates are tried as; .gz files are read."""
    (tmp_path / "people.gz").write_bytes(gzip.compress(f"x\n{person}\n".encode()))
    token = tokens(person, field)[1]

    status, said, _ = look_up(token, keys, tmp_path, "--candidates", "people.gz")

    assert (status, said) == (0, person + "\n")


def test_an_address_token_is_taken_as_the_log_shows_it(keys: str, tmp_path: Path) -> None:
    """`203.0.113.0/24_ip_k2_...`: the network in front does not matter."""
    shown = Pseudonymizer(keys=[FIRST, SECOND]).address("203.0.113.7")

    assert look_up(shown, keys, tmp_path, "--candidates", "-", stdin="203.0.113.7\n")[:2] == (0, "203.0.113.7\n")


def test_without_an_audit_line_nothing_is_disclosed(keys: str, tmp_path: Path) -> None:
    """An audit file that cannot be written stops the look-up."""
    done = seclog(
        "whois", tokens("bob")[0], "--keys", keys, "--reason", "x", "--audit", "no/such/folder", "--candidates", "-",
        cwd=tmp_path, stdin="bob\n",
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")


def test_the_audit_line_goes_to_stderr_without_a_file(keys: str, tmp_path: Path) -> None:
    """There is always an audit line."""
    done = seclog(
        "whois", tokens("bob")[0], "--keys", keys, "--reason", "x", "--candidates", "-", cwd=tmp_path, stdin="bob\n"
    )

    assert json.loads(done.stderr)["event"] == "pseudonym_lookup"


def test_a_damaged_candidate_file_is_audited(keys: str, tmp_path: Path) -> None:
    """A search that broke off says neither yes nor no, and still leaves its line."""
    (tmp_path / "people.gz").write_bytes(gzip.compress(os.urandom(100_000))[:-500])

    status, said, audit = look_up(tokens("bob")[0], keys, tmp_path, "--candidates", "people.gz")

    assert (status, said, audit["found"]) == (2, "", None)


@pytest.mark.parametrize(
    "words",
    [("bob",), ("usr_k1_00",), ("usr_k9_" + "0" * 32,), ("usr_k1_" + "0" * 32, "--reason", " ")],
)
def test_what_cannot_be_looked_up_is_status_2(words: tuple[str, ...], keys: str, tmp_path: Path) -> None:
    """No token, a key that is not there, an empty reason: status 2, and no candidate is read."""
    done = seclog("whois", "--keys", keys, "--candidates", "missing", "--reason", "x", *words, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "missing" not in done.stderr


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20), max_size=20))
def test_candidates_are_the_lines_that_say_something(lines: list[str]) -> None:
    """Every line that is not blank is a candidate, in order, whatever characters it has."""
    import io

    file = io.BytesIO("".join(line + "\n" for line in lines).encode())

    assert list(whois.candidates(file)) == [line for line in lines if line.strip()]


def test_an_endless_line_is_skipped() -> None:
    """A line without an end is no candidate and takes no memory; the next one is read again."""
    import io

    file = io.BytesIO(b"a" * (3 * whois.MAX_CANDIDATE) + b"\nbob\n")

    assert list(whois.candidates(file)) == ["bob"]
