"""Random ids pass without a closer look, and nothing that only looks like one does."""

from __future__ import annotations

import uuid

from hypothesis import example, given, settings
from hypothesis import strategies as st

from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.ids import is_random_id

DIGITS = "0123456789abcdef"
HEX = st.text(DIGITS, min_size=32, max_size=32)
NUMBERS = st.text("0123456789", min_size=32, max_size=32)
TEXTS = st.text(st.characters(codec="utf-8", max_codepoint=0x17F), min_size=8, max_size=16)
SECRETS = st.sampled_from(
    ["pwd=hunter2hunt2", "token=k9f8e7d6c5", "geheim=müßig42ab", "key: abc12345678", "a:b@c.example.or"]
)


def closely(text: str) -> str:
    """Redact with every text read closely."""
    return _close.text(text)


_close, _quick = Redactor(), Redactor()
_close._knows_ids = False
for _each in (_close, _quick):
    _each.judge_anew()


@settings(max_examples=400)
@given(
    st.one_of(HEX, NUMBERS, TEXTS.map(lambda text: text.encode().hex()), SECRETS.map(lambda text: text.encode().hex()))
)
@example("4111111111111111" + "0" * 16)
@example("4980000000000003" + "4980000000000003")
@example("70617373776f72643d68756e74657232")
def test_it_comes_out_as_if_it_had_been_read(digits: str) -> None:
    """Whatever 32 digits say, and with the dashes of a UUID between them."""
    dashed = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))

    for text in (digits, dashed, digits[:16], digits[16:], digits.upper(), f"{digits} ", f"x{digits[1:]}"):
        assert _quick.text(text) == closely(text)


def test_uuids_are_known() -> None:
    """Otherwise the test above would say nothing."""
    ids = [uuid.UUID(int=number * 2**96 + 0xFF * 2**64 + number) for number in range(1, 50)]

    assert all(is_random_id(str(one)) and is_random_id(one.hex) for one in ids)
    assert is_random_id("00f067aa0ba902b7")
    assert not is_random_id("70617373776f72643d68756e74657232")


def test_a_users_own_rules_go_before() -> None:
    """A pattern or a known value may be a UUID."""
    one = str(uuid.UUID(int=0xFF * 2**100))

    assert Redactor(patterns=["[0-9a-f-]{36}"]).text(one) == "[REDACTED]"
