"""Keys: their ids, their length, where they come from, and that no error shows one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.pseudonym import KeyRing, Pseudonymizer, parse_keys

OLD = "2024:" + "old-material-" * 2
NEW = "2025:" + "new-material-" * 2


def ids(*keys: str) -> list[str]:
    return [key.id for key in KeyRing(keys).keys]


class TestKeyRing:
    def test_takes_the_id_before_the_first_colon(self):
        """`id:value` names the key; the value may hold further colons."""
        assert ids("9:" + "a:b" * 8) == ["9"]

    def test_the_id_may_be_written_as_tokens_show_it(self):
        """`k9:value` and `9:value` have the same id, so both give `_k9_`; a lone `k` is an id of its own."""
        assert ids("k9:" + "x" * 16, "k:" + "x" * 16) == ["9", "k"]
        assert Pseudonymizer(keys=["k9:" + "x" * 16]).token("username", "bob").startswith("usr_k9_")

    def test_derives_an_id_for_a_bare_key(self):
        """A key without an id gets a short one that is always the same and is no part of it."""
        key = "bare key of enough bytes"

        (name,) = ids(key)

        assert ids(key) == [name]
        assert len(name) == 6
        assert name not in key

    @pytest.mark.parametrize("key", ["no id:" + "x" * 16, "a" * 17 + ":" + "x" * 16, ":" + "x" * 16])
    def test_a_colon_alone_makes_no_id(self, key):
        """What stands before the colon is an id only if it is 1 to 16 letters and digits."""
        assert len(ids(key)[0]) == 6

    def test_counts_bytes_not_characters(self):
        """Eight characters of two bytes each are long enough."""
        assert KeyRing(["é" * 8]).newest.secret == ("é" * 8).encode()

    @pytest.mark.parametrize("key", ["fifteen bytes..", "7:fifteen bytes..", "é" * 7, ""])
    def test_refuses_a_short_key_without_showing_it(self, key):
        """A key under 16 bytes stops the start; the error counts bytes and does not show them."""
        with pytest.raises(ConfigurationError) as caught:
            KeyRing([OLD, key])

        text = str(caught.value)
        assert "key number 2" in text
        assert "at least 16 bytes" in text
        assert "fifteen" not in text
        assert "é" not in text

    def test_refuses_an_id_twice(self):
        """Two keys with one id could not be told apart in a token."""
        with pytest.raises(ConfigurationError, match="'2024' twice") as caught:
            KeyRing([OLD, "2024:" + "z" * 20])

        assert "z" * 20 not in str(caught.value)

    def test_never_shows_a_key_in_its_repr(self):
        """A key ring in a traceback's locals or a debugger's output gives the ids only."""
        ring = KeyRing([OLD])

        assert "material" not in repr(ring.keys)
        assert "material" not in repr(ring)

    def test_accepts_keys_longer_than_a_hash_block(self):
        """Two long keys that differ at the end only are two keys."""
        one, other = "k" * 200 + "1", "k" * 200 + "2"

        assert Pseudonymizer(keys=[one]).token("username", "bob") != Pseudonymizer(keys=[other]).token(
            "username", "bob"
        )


class TestParseKeys:
    def test_splits_text_by_comma_and_line(self):
        """An INI value and a list say the same."""
        assert parse_keys("pseudonyms.keys", f"{OLD}, {NEW}") == [OLD, NEW] == parse_keys("k", [OLD, NEW])

    def test_follows_a_reference_for_the_whole_value(self, monkeypatch):
        """env:NAME may hold the whole ring."""
        monkeypatch.setenv("SECLOG_TEST_KEYS", f"{OLD},{NEW}")

        assert parse_keys("pseudonyms.keys", "env:SECLOG_TEST_KEYS") == [OLD, NEW]

    def test_follows_a_reference_for_each_entry(self, monkeypatch, tmp_path):
        """References and literal keys mix, in their order."""
        monkeypatch.setenv("SECLOG_TEST_KEYS", OLD)
        path = tmp_path / "key"
        path.write_text(NEW + "\n", encoding="utf-8")

        assert parse_keys("k", ["env:SECLOG_TEST_KEYS", f"file:{path}", "third"]) == [OLD, NEW, "third"]

    def test_a_reference_to_nothing_stops_the_start(self, monkeypatch):
        """An unset variable is an error that names it."""
        monkeypatch.delenv("SECLOG_TEST_KEYS", raising=False)

        with pytest.raises(ConfigurationError, match="SECLOG_TEST_KEYS"):
            parse_keys("pseudonyms.keys", "env:SECLOG_TEST_KEYS")

    def test_a_wrong_type_is_refused_without_showing_it(self):
        """A number may be a key that lost its quotes: the error does not print it."""
        with pytest.raises(ConfigurationError) as caught:
            parse_keys("pseudonyms.keys", ["a" * 20, 31415926535897932384])

        assert "31415926535897932384" not in str(caught.value)
        assert "a" * 20 not in str(caught.value)

    def test_nothing_is_no_key(self):
        """None and empty text leave the choice of a random key."""
        assert parse_keys("k", None) == parse_keys("k", "") == []


class TestEphemeral:
    def test_says_that_its_key_is_random(self):
        """Without keys the tokens of two processes differ, and the engine says so."""
        one, other = Pseudonymizer(), Pseudonymizer()

        assert one.ephemeral
        assert one.token("username", "bob") != other.token("username", "bob")
        assert not Pseudonymizer(keys=[OLD]).ephemeral


class TestRotation:
    def test_the_last_key_writes(self):
        """Appending a key changes new tokens; the old ones can still be computed."""
        before, after = Pseudonymizer(keys=[OLD]), Pseudonymizer(keys=[OLD, NEW])

        assert after.token("username", "bob").startswith("usr_k2025_")
        assert after.tokens("username", "bob") == {
            "2024": before.token("username", "bob"),
            "2025": after.token("username", "bob"),
        }

    @given(st.text(min_size=1))
    def test_detection_state_survives_it(self, name):
        """State keys hang on the oldest key, so appending one resets no window."""
        before, after = Pseudonymizer(keys=[OLD]), Pseudonymizer(keys=[OLD, NEW])

        assert before.state_key("username", name) == after.state_key("username", name)

    def test_a_state_key_is_no_token(self):
        """Who reads the state cannot match it against the log."""
        engine = Pseudonymizer(keys=[OLD])

        assert engine.state_key("username", "bob") not in engine.token("username", "bob")
        assert engine.state_key("username", "Bob ") == engine.state_key("user_id", "bob")
        assert engine.state_key("session_id", "bob") != engine.state_key("user_id", "bob")

    def test_identifies_nobody_under_any_key(self):
        """An empty identity has no tokens to search for."""
        assert Pseudonymizer(keys=[OLD]).tokens("username", "") == {}
