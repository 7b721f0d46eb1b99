"""Numbers of people, cards and accounts after their names, and the day somebody was born."""

from __future__ import annotations

import re

from seclog_handlers.redaction.extents import Value
from seclog_handlers.redaction.keys import Rule

_FORMER = re.compile(r"(?<![\w.-])(?P<value>\d[\d .-]{6,22}\d)[ ]\(\Z")
# 26 October 1996, October 26, 1996, 26-Oct-1996, 1968年5月21日
_DAY = re.compile(
    r"[\"']?[ \t]?(?:is|was|on|le|el|il|am|:|=|#)?[ \t]{0,2}[\"']?"
    r"(?P<value>\d{1,2}(?:st|nd|rd|th|\.)?[ ](?:of |de )?[^\W\d_]{3,12}\.?,?"
    r"[ ](?:de )?\d{4}|[^\W\d_]{3,12}\.?[ ]\d{1,2}(?:st|nd|rd|th)?,?[ ]\d{4}|\d{4}年\d{1,2}月\d{1,2}日"
    r"|\d{1,2}-[A-Z][a-z]{2}-\d{2,4})(?!\w)"
)
_NUMBER = re.compile(
    r"\)?\.?(?:[ \t](?i:no|number|nr|num|card)\b\.?)?(?:[ \t](?:des|von|de|for|of)[ \t][\w.@-]{1,32})?"
    r"[ \t]?(?:is|was|ist|lautet|est|es|am|el|em|on|:|=|#|of)?[ \t]{0,2}[<\"']?"
    r"(?P<value>[A-Z]{0,3}\+?\(?\d[\d .()/-]{2,24}\d[A-Z]?"
    r"|(?=[A-Z]{0,6}\d)(?=(?:[A-Z]{0,6}\d){4})[A-Z0-9]{8,12})(?!\w|[.:-]\w|[*xX•]{2})",
)

# Country, network, area and cell of a mobile network.
_RADIO_CELL = re.compile(r"\d{3}-\d{2,3}-\d{1,5}-\d{1,9}")


def number(text: str, start: int, end: int, rule: Rule) -> Value | None:
    """Return the number of a person, a card or an account after its name, the day somebody was born."""
    bracketed = text[start - 1 : start] == "(" and text[end : end + 1] == ")"
    former = _FORMER.search(text, max(0, start - 40), start) if bracketed else None
    if former is not None:  # 75110788539 (PESEL)
        return Value(*former.span("value"), quoted=False)
    day = _DAY.match(text, end) if rule.kind == "birth-date" else None
    if day is not None:
        return Value(*day.span("value"), quoted=False)
    match = _NUMBER.match(text, end)
    if match is not None and rule.kind == "phone" and _RADIO_CELL.fullmatch(match["value"].strip()):
        return None
    if match is None or sum(character.isdigit() for character in match["value"]) < (
        4 if match["value"].isalnum() else 6
    ):
        return None
    return Value(*match.span("value"), quoted=False)
