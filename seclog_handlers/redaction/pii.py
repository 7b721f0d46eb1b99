"""Personal data that is known by its own look: e-mail, phone and card numbers, IBANs, national ids."""

# ruff: noqa: PLR2004 - the numbers are those of each id's own definition
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from seclog_handlers.redaction import checks
from seclog_handlers.redaction.values import looks_chosen

Found = tuple[int, int, str]

_LOCAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-'/=!#$&*?^`{|}~"
_LOCAL_STRICT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-'"
_LETTERS = "".join(filter(str.isalpha, map(chr, range(0xC0, 0x250))))
MAX_LOCAL = 64
_DOMAIN = re.compile(
    r"@(?:[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f-]{0,61}[A-Za-z0-9\u00c0-\u024f])?\.){1,8}(?:xn--[A-Za-z0-9-]{1,59}"
    r"|[A-Za-z]{2,24})(?![A-Za-z0-9_-]|\.[A-Za-z0-9]{1,24}[@:/]?\w|@)",
)
# user@host of a shell, which is no mailbox.
_REMOTE = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id)[ \t][^\n;|&]{0,80}$")
# Whose names SSH's algorithms carry: hmac-sha2-256-etm@openssh.com.
_ALGORITHMS = frozenset({"@openssh.com", "@libssh.org", "@lysator.liu.se", "@ssh.com"})
_NOT_MAIL = frozenset(
    {
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "js",
        "css",
        "service",
        "timer",
        "socket",
        "py",
        "2x",
        "3x",
        "mount",
        "target",
        "local",
        "localdomain",
        "internal",
        "lan",
    }
)
# Digits with the separators people write in numbers; letters around it mean that it is something else.
# Its first character comes first, and what stands before that after it: so a search skips all others quickly.
NUMBER = re.compile(
    r"[0-9+(](?<![\w.#/-].)(?<!,[0-9(])(?<![\d:]:[0-9(])(?:(?<=\+)\(?[0-9]|(?<=\()[0-9]|(?<=[0-9]))"
    r"(?:[ \t]?[-.()/]?[ \t]?\(?[0-9]){6,26}(?![\w]|[.,:]\d|-\w)"
)
_IBAN = re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z]\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
# Length of an IBAN by country: ISO 13616 registry.
_IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
# Issuer ranges of payment cards with their lengths (ISO/IEC 7812 as the schemes publish them).
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d|09)\d{11}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|(?:5018|5020|5038|5893|6304|6759"
    r"|676[1-3])\d{8,15}|220[0-4]\d{12}",
)
_SSN = re.compile(r"(?!000|666|9\d\d)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}")
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ]?(?:0[1-9]|1[0-2])[-./ ]?(?:0[1-9]|[12]\d|3[01]).*|(?:0?[1-9]|[12]\d"
    r"|3[01])[-./](?:0?[1-9]|1[0-2])[-./](?:19|20)\d\d.*|\d{1,4}(?:\.\d{1,5}){2,}|\d{1,2}/\d{1,2}/\d{2,4}.*",
)
# How a phone, and whatever else is looked for at the start of a longer number, begins.
_BEGINS = re.compile(r"\+|00|\(|1[ .-]|0\d|[2-9]\d\d[-.]")
_BEGINS_PART = re.compile(rf"{_BEGINS.pattern}|\d{{4}}[ -]\d{{4}}|\d{{3}}[ -]\d\d[ -]")
_PHONE = re.compile(
    r"\+(?!\d+\.\d+$)[1-9]\d{0,2}[ \t.-]?(?:\(\d{1,5}\)[ \t.-]?)?\d(?:[ \t.-]?\d){5,13}(?<!\.\d)"
    r"|00[1-9]\d{0,2}[ .-]\d(?:[ .-]?\d){6,12}"
    r"|(?:1[ .-])?\(\d{3}\)[ \t.-]?\d{3}[ .-]\d{4}|(?:1[-. ])?(?:[2-9]\d{2}([-.])[2-9]\d{2}\1|555([-.])1\d\d\2)\d{4}"
    r"|\(0\d{2,5}\)[ ]?\d{3,8}(?:[ -]\d{2,8})?"
    r"|0\d{2,4} \d{3,4} \d{3,4}|0\d(?: \d\d){4}(?! [0-9A-Fa-f]{2}(?: |$))|0\d{2,5}[/-]\d{4,10}",
)
_LETTERED = re.compile(
    r"[A-Z0-9](?<![A-Za-z0-9.,_-].)(?:"
    r"(?P<nino>(?<=[A-CEGHJ-PR-TW-Z])[A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D])"
    r"|(?P<dni>(?<=[XYZ0-9])\d{7}-?[A-HJ-NP-TV-Z])"
    r"|(?P<cf>(?<=[A-Z])[A-Z]{5}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z])|(?P<hetu>(?<=[0-9])\d{5}[-+A]\d{3}[0-9A-Z])"
    r"|(?P<curp>(?<=[A-Z])[AEIOUX][A-Z]{2}\d{6}[HM][A-Z]{5}[0-9A-Z]\d)"
    r"|(?P<cn>(?<=[1-9])\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}X)"
    r"|(?P<pan>(?<=[A-Z])[A-Z]{2}[PCHFATBLJG][A-Z]\d{4}[A-Z]))(?![A-Za-z0-9_+-])",
)
_NINO_BAD = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def emails(text: str, users: Iterable[Found], spend: Callable[[int], None]) -> Iterator[Found]:
    """Yield e-mail addresses, found from their `@`; not where one ends the user's part of a URL."""
    hosts = sorted([(start, end) for start, end, _ in users])
    host = 0
    for match in _DOMAIN.finditer(text):
        spend(2)
        at = match.start()
        while host < len(hosts) and hosts[host][1] < at:
            host += 1
        if host < len(hosts) and hosts[host][0] <= at:
            continue
        before = text[max(0, at - MAX_LOCAL) : at]
        if before[-1:] == '"' and before.count('"') > 1:
            start = before.rindex('"', 0, -1)
            yield at - len(before) + start, match.end(), "email"
            continue
        if _MESSAGE_ID.search(before) is not None:
            continue
        rest = before.rstrip(_LOCAL_STRICT)
        if rest and rest[-1] > "\x7f":
            rest = rest.rstrip(_LOCAL_STRICT + _LETTERS)
        local = before[len(rest) :].lstrip(".'-%+")
        if (
            local
            and not (local in _NO_PERSONS and match[0].lower() not in _MAIL)
            and not _is_remote(text, at)
            and not (match[0].lower() in _ALGORITHMS and "-" in local)
            and match[0].rpartition(".")[2].lower() not in _NOT_MAIL
        ):
            yield at - len(local), match.end(), "email"
            combined = _COMBINED.match(text, match.end())
            if combined is not None and looks_chosen(combined["value"]):  # a line of a stolen list: a@b.org:x
                yield *combined.span("value"), "password"


# git@host:repository, celery@host: a program's name in front of its host's.
_NO_PERSONS = frozenset({"git", "celery"})
_MAIL = frozenset({"@gmail.com", "@googlemail.com", "@outlook.com", "@hotmail.com", "@yahoo.com", "@gmx.de", "@web.de"})
# The name of a message: `Message-ID: <1234.5678@mail.example.org>`
_MESSAGE_ID = re.compile(
    r"(?:message[-_ ]?id|msgid|references|in-reply-to)[\"']?[=: ]{1,3}[\"']?<[^<>@\s]{1,64}\Z", re.IGNORECASE
)
_COMBINED = re.compile(r"[:;|](?P<value>[^\s:;|,\"'<>/=@()\[\]]{5,64})(?=\s|$)")


def _is_remote(text: str, at: int) -> bool:
    before = text[max(0, at - 96) : at]
    # Told first by the plain words: most addresses have none of them before them.
    return (
        "ssh" in before or "scp" in before or "sftp" in before or "rsync" in before or "mosh" in before
    ) and _REMOTE.search(before) is not None


def ibans(text: str, spend: Callable[[int], None]) -> Iterator[Found]:
    """Yield IBANs whose country, length and check digits are right."""
    for match in _IBAN.finditer(text):
        spend(8)
        end = match.end()
        while end > match.start() + 14:
            compact = re.sub(r"[ -]", "", text[match.start() : end])
            length = _IBAN_LENGTH.get(compact[:2])
            if length is not None and len(compact) == length and checks.mod97(compact):
                yield match.start(), end, "iban"
                break
            end = max(text.rfind(" ", 0, end), text.rfind("-", 0, end))


def numbers(text: str, spend: Callable[[int], None]) -> Iterator[Found]:
    """Yield cards, phone numbers and national ids among the longer numbers of a text."""
    for match in NUMBER.finditer(text):
        spend(5)
        if text[match.start() - 1 : match.start()] == ":" and match[0][0] != "+":  # a key's or a clock's, but a card's
            if _CARD_BESIDE.fullmatch(match[0]) and is_card(re.sub(r"[ -]", "", match[0])):
                yield match.start(), match.end(), "card"
            continue
        kind = number_kind(match[0].strip())
        if kind == "card" and _is_another(text, match):
            continue
        if kind is None and _is_south_african(match[0], text[max(0, match.start() - 24) : match.start()]):
            yield match.start(), match.end(), "national-id"
            continue
        if kind == "card":
            check = _CARD_CHECK.match(text, match.end())
            yield match.start(), check.end() if check else match.end(), kind
        elif kind == "phone" and _IS_NO_PHONE.search(text, max(0, match.start() - 24), match.start()):
            continue
        elif kind is not None:
            yield match.start(), match.end(), kind
        else:
            yield from _parts(text, match)


def _is_another(text: str, match: re.Match[str]) -> bool:
    """Tell whether what could be a card is by its name and length somebody's id, or the number of an article."""
    length, start = match.end() - match.start(), match.start()
    if length == _LONGEST_CARD:
        return _NAMED_ID.search(text, max(0, start - 12), start) is not None
    return length == _ARTICLE and _NAMED_ARTICLE.search(text, max(0, start - 16), start) is not None


# A tenth of the article numbers of some countries look like the first cards.
_ARTICLE = 13
_NAMED_ARTICLE = re.compile(
    r"\b(?:ean|gtin|isbn|upc|jan|barcode)(?:[-_ ]?1[34])?[\"']?[:=# ]{1,2}[\"']?\Z", re.IGNORECASE
)

# ID number 8001015009087: a birth date, a number, 0 or 1 for the citizenship, a check digit.
_SOUTH_AFRICAN = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4}[01]\d\d")
_CALLED_ID = re.compile(r"\b(?:ID|id|identity|Identity)(?:[ _](?:number|no|nr|num|card))?\.?[:=# ]{1,3}\Z")


def _is_south_african(number: str, before: str) -> bool:
    return _SOUTH_AFRICAN.fullmatch(number) is not None and checks.luhn(number) and bool(_CALLED_ID.search(before))


# What a card's magnetic strip says: `;4111111111111111=29121010000000000000?`
_TRACK = re.compile(
    r"(?:(?<=;)|(?<=%B)|(?<![\w.]))(?P<card>\d{13,19})(?:[=D]\d{7,24}F?\??|\^[A-Z /]{2,26}\^\d{7,40}\??)"
)


_CARD_BESIDE = re.compile(r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|\d{4}([ -]?)\d{6}\2\d{5}")

# One in a hundred numbers of 19 digits looks like a card, and where these are somebody's ids there are many of them.
_LONGEST_CARD = 19
# An order's number, and what stands in a dump of bytes.
_IS_NO_PHONE = re.compile(
    r"(?:\b(?:order|bestell\w*|pedido|invoice|ticket|tracking|sku|serial|part|commande|ordine|case)"
    r"(?:[ _]?(?:no|nr|number|id))?"
    r"[\"'.:#= ]{1,4}|(?:[0-9a-f]{2} ){2})\Z",
    re.IGNORECASE,
)
_NAMED_ID = re.compile(r"(?:id|Id|ID|hash|key|offset|seq|ts|time)[\"']?\]?[=: ]{1,2}[\"']?\Z")


# What a switchboard dials: `PJSIP/trunk/+4930123456789,30`
_DIALLED = re.compile(r"(?<=/)\+[1-9]\d{0,2}[ ]?\d(?:[ ]?\d){6,12}(?=[,@)/\s\"']|$)")


def dialled(text: str) -> Iterator[Found]:
    """Yield the phone numbers at the end of a channel's name."""
    for match in _DIALLED.finditer(text):
        yield match.start(), match.end(), "phone"


def tracks(text: str) -> Iterator[Found]:
    """Yield what a card's magnetic strip says."""
    for match in _TRACK.finditer(text):
        if is_card(match["card"]):
            yield match.start(), match.end(), "card"


# What thieves, and tests, write behind a card's number: when it expires, and its check code.
_CARD_CHECK = re.compile(r"[|;:,/ ](?:0?[1-9]|1[0-2])[|;:,/ ](?:20)?\d\d[|;:,/ ]\d{3,4}(?!\d)")


def _parts(text: str, match: re.Match[str]) -> Iterator[Found]:
    """A number may be followed by another one: judge the card and the phone at its start alone."""
    if not _BEGINS_PART.match(text, match.start()):
        return
    for pattern in (_CARD_GROUPS, _PHONE, _SSN):
        found = pattern.match(text, match.start(), match.end())
        if found is not None and (found.end() == match.end() or text[found.end()] == " "):
            kind = number_kind(found[0])
            before = max(0, found.start() - 24)
            if kind == "phone" and _IS_NO_PHONE.search(text, before, found.start()):
                return
            if kind is not None:
                yield found.start(), found.end(), kind
                return


_CARD_GROUPS = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}")


_ZEROS = bytes(ord("0") if 48 <= code <= 57 else code for code in range(256))
_checks_of: dict[bytes, tuple[Callable[[str, str], str | None], ...]] = {}
MAX_SHAPES = 4096


def number_kind(text: str) -> str | None:
    """Return what a number is: card, ssn, national-id or phone; None for all other numbers."""
    shape = text.encode("ascii", "replace").translate(_ZEROS)
    checks = _checks_of.get(shape)
    if checks is None:
        checks = _checks(shape.decode())
        if len(_checks_of) >= MAX_SHAPES:
            _checks_of.clear()
        _checks_of[shape] = checks
    if not checks:
        return None
    digits = re.sub(r"\D", "", text)
    for check in checks:
        kind = check(text, digits)
        if kind is not None:
            return kind
    return None


def _checks(shape: str) -> tuple[Callable[[str, str], str | None], ...]:
    """Return what a number of this shape (all its digits written as 0) could be."""
    checks: list[Callable[[str, str], str | None]] = []
    if 13 <= shape.count("0") <= 19 and re.fullmatch(r"0[0 -]+0", shape):
        checks.append(_as_card)
    if re.fullmatch(r"000(?P<s>[- ])00(?P=s)0000", shape):
        checks.append(_as_ssn)
    if any(re.fullmatch(wanted, shape) for wanted in _ID_SHAPES):
        checks.append(_as_id)
    if re.fullmatch(_PHONE_SHAPE, shape):
        checks.append(_as_phone)
    return tuple(checks)


_ID_SHAPES = (
    r"000\.000\.000-00", "0000 0000 0000", "000 000 0000", "000[ -]000[ -]000", r"000\.0000\.0000\.00",
    r"00\.00\.00-000\.00",
    r"00\.000\.000-0", r"00\.000\.000/0000-00",
    "0 ?00 ?00 ?00 ?000 ?000 ?00", "000000-0000000", "(?:00)?000000-0000", "0{18}",
)  # fmt: skip
_PHONE_SHAPE = r"\+.*|00.*|.*\(.*|(?:0[-. ])?000[-. ]000[-. ]0000|0\d+[ /-].*"


def _as_card(text: str, digits: str) -> str | None:  # noqa: ARG001 - one signature for all
    return "card" if is_card(digits) else None


def _as_ssn(text: str, digits: str) -> str | None:  # noqa: ARG001 - one signature for all
    return "ssn" if _SSN.fullmatch(text) else None


def _as_id(text: str, digits: str) -> str | None:
    return "national-id" if _is_formatted_id(text, digits) else None


def _as_phone(text: str, digits: str) -> str | None:  # noqa: ARG001 - one signature for all
    if not _BEGINS.match(text):
        return None
    dated = _DATE.fullmatch(text) and not re.fullmatch(r"\d{3}\.\d{3}\.\d{4}", text)
    return "phone" if _PHONE.fullmatch(text) and not dated else None


def is_card(digits: str) -> bool:
    """Tell whether digits are a card number: issuer range, length and Luhn."""
    return _ISSUERS.fullmatch(digits) is not None and checks.luhn(digits) and len(set(digits)) > 1


def _is_formatted_id(text: str, digits: str) -> bool:
    """Ids that are written with their own separators and carry check digits."""
    if re.fullmatch(r"\d{3}\.\d{3}\.\d{3}-\d\d", text):
        return checks.cpf(digits)
    if re.fullmatch(r"\d{4} \d{4} \d{4}", text):
        return digits[0] > "1" and checks.verhoeff(digits)
    if re.fullmatch(r"\d{3} \d{3} \d{4}", text):
        return checks.nhs(digits)
    if re.fullmatch(r"\d{3}[ -]\d{3}[ -]\d{3}", text):
        return checks.luhn(digits)
    if re.fullmatch(r"756\.\d{4}\.\d{4}\.\d\d", text):
        return checks.ean(digits)
    if re.fullmatch(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", text):
        return 97 - int(digits[:9]) % 97 == int(digits[9:]) or 97 - int("2" + digits[:9]) % 97 == int(digits[9:])
    if re.fullmatch(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3} ?\d\d", text):
        return 97 - int(digits[:13]) % 97 == int(digits[13:])
    if re.fullmatch(r"\d\d\.\d{3}\.\d{3}-\d", text):
        return checks.rut(digits)
    if "/" in text:
        return checks.cnpj(digits)
    if re.fullmatch(r"\d{6}-[1-4]\d{6}", text):
        return True
    if re.fullmatch(r"(?:19|20)?\d{6}-\d{4}", text):
        return checks.luhn(digits[-10:]) and _is_day(digits[-8:-4] if len(digits) == 8 else digits[-10:-4][2:])
    if re.fullmatch(r"[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4}", text):
        return checks.chinese(digits)
    return False


def _is_day(month_day: str) -> bool:
    return 1 <= int(month_day[:2]) <= 12 and 1 <= int(month_day[2:]) <= 31


def lettered_ids(text: str, spend: Callable[[int], None]) -> Iterator[Found]:
    """Yield national ids that hold letters and whose check characters are right."""
    for match in _LETTERED.finditer(text):
        spend(3)
        if _lettered_is_right(match.lastgroup or "", match[0]):
            yield match.start(), match.end(), "national-id"


def _lettered_is_right(kind: str, value: str) -> bool:
    if kind == "nino":
        return value[:2] not in _NINO_BAD
    if kind == "dni":
        number = value[0].translate(str.maketrans("XYZ", "012")) + value[1:8]
        return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == value[-1]
    if kind == "cf":
        return checks.codice(value)
    if kind == "hetu":
        return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(value[:6] + value[7:10]) % 31] == value[10] and _is_day(
            value[2:4] + value[:2]
        )
    if kind == "cn":
        return checks.chinese(value)
    return kind == "curp"
