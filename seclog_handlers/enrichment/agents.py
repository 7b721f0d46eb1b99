"""What a User-Agent header says: browser, operating system, kind of device; and whether it is a scanner's.

A small table for the common ones. It serves to see that something changed, not to count market shares.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MAX_AGENT = 512
CACHE_SIZE = 4096

# Tools whose default user agent nobody sends by accident. One that hides its name is found by what it does.
SCANNERS = (
    "acunetix", "arachni", "commix", "dirb", "feroxbuster", "ffuf", "fuzz faster", "gobuster", "havij",
    "hydra", "jaeles", "jorgee", "l9explore", "masscan", "medusa", "morfeus", "nessus",
    "netsparker", "nikto", "nmap",
    "nuclei", "openvas", "patator", "qualys", "skipfish", "sqlmap", "w3af", "wfuzz", "whatweb", "wpscan",
    "zaproxy", "zgrab", "zmeu",
)  # fmt: skip

# Name, texts of which one must be there (the cheap test goes first), pattern of the version. The first that
# matches: the engines' own names come after those of the browsers built on them.
_BROWSERS = (
    ("Edge", ("Edg",), re.compile(r"Edg(?:e|A|iOS)?/(\d{1,4})")),
    ("Opera", ("OPR", "Opera"), re.compile(r"(?:OPR|Opera)[/ ](\d{1,4})")),
    ("Samsung Internet", ("SamsungBrowser",), re.compile(r"SamsungBrowser/(\d{1,4})")),
    ("Firefox", ("Firefox", "FxiOS"), re.compile(r"(?:Firefox|FxiOS)/(\d{1,4})")),
    ("Chrome", ("Chrom", "CriOS"), re.compile(r"(?:Chrome|CriOS|Chromium)/(\d{1,4})")),
    ("Safari", ("Safari",), re.compile(r"Version/(\d{1,4})[.\d]{0,10} (?:Mobile/\w{1,10} )?Safari/")),
    ("Internet Explorer", ("MSIE", "Trident"), re.compile(r"(?:MSIE |rv:)(\d{1,4})")),
)
_SYSTEMS = (
    ("Windows", ("Windows NT",), re.compile(r"Windows NT (\d{1,3})")),
    ("iOS", ("like Mac",), re.compile(r"(?:iPhone )?OS (\d{1,3})_\d{1,3}[_\d]{0,5} like Mac")),
    ("macOS", ("Mac OS X",), re.compile(r"Mac OS X (\d{1,3})")),
    ("Android", ("Android",), re.compile(r"Android (\d{1,3})")),
    ("Chrome OS", ("CrOS",), re.compile(r"CrOS \w{1,10} (\d{1,6})")),
    ("Linux", ("Linux", "X11"), re.compile(r"(?:Linux|X11)()")),
)
_TOOL = re.compile(r"([A-Za-z][\w.-]{0,40})(?:/(\d{1,4}))?")
_BOT = re.compile(r"bot\b")
_BOTS = ("crawl", "spider", "slurp", "preview")

_Table = tuple[tuple[str, tuple[str, ...], "re.Pattern[str]"], ...]


class Agent(NamedTuple):
    """What a user agent tells: browser with its major version, system with its, and the kind of device."""

    browser: str
    system: str
    device: str


@lru_cache(CACHE_SIZE)
def describe(text: str) -> Agent:
    """Return what the first 512 characters of a user agent say; names that are not known are 'other'."""
    text = text[:MAX_AGENT]
    browser, system = _named(text, _BROWSERS), _named(text, _SYSTEMS)
    if browser is None:
        tool = _TOOL.match(text)
        browser = " ".join(part for part in tool.groups() if part) if tool else "other"
    return Agent(browser, system or "other", _device(text, known=system is not None))


def _named(text: str, table: _Table) -> str | None:
    for name, signs, pattern in table:
        for sign in signs:
            if sign in text and (match := pattern.search(text)):
                return f"{name} {match.group(1)}".rstrip()
    return None


def _device(text: str, *, known: bool) -> str:
    lowered = text.lower()
    if ("bot" in lowered and _BOT.search(lowered)) or any(word in lowered for word in _BOTS):
        return "bot"
    if "iPad" in text or "Tablet" in text or ("Android" in text and "Mobile" not in text):
        return "tablet"
    if "Mobi" in text:
        return "mobile"
    return "desktop" if known else "other"


@lru_cache(CACHE_SIZE)
def scanner(text: str) -> str | None:
    """Return the name of the scanner whose user agent this is, or None."""
    lowered = text[:MAX_AGENT].lower()
    return next((name for name in SCANNERS if name in lowered), None)
