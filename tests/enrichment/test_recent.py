"""The bounded mapping of what was used last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment._recent import Recent

keys = st.integers(0, 30)


class TestRecent:
    @given(st.lists(st.tuples(st.sampled_from(["get", "set", "pop"]), keys), max_size=200))
    def test_never_holds_more_nor_anything_wrong(self, steps):
        """At most `size` entries, each with the value last set, and the half used last always there."""
        recent, model, used = Recent(10), {}, []

        for number, (step, key) in enumerate(steps):
            if step == "set":
                recent[key] = model[key] = number
            elif step == "get":
                assert recent.get(key) in (None, model.get(key))
            else:
                recent.pop(key)
                model.pop(key, None)
                used = [other for other in used if other != key]
            if step == "set" or (step == "get" and key in used):
                used = [other for other in used if other != key] + [key]
            assert len(recent) <= 10

        for key in used[-5:]:
            assert key in recent.young or key in recent.old

    def test_keeps_what_is_used(self):
        """A flood of new keys does not push out one that is asked for now and then."""
        recent = Recent(10)
        recent["often"] = "here"

        for number in range(1000):
            recent[number] = "noise"
            if number % 4 == 0:
                assert recent.get("often") == "here"

    def test_a_key_is_there_once(self):
        """Setting a key that got old replaces it."""
        recent = Recent(4)
        for key in "abcd":
            recent[key] = 1

        recent["a"] = 2

        assert recent.get("a") == 2
        assert recent.pop("a") == 2
        assert recent.get("a") is None
