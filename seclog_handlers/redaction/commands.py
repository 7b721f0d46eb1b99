"""Secrets in command lines and statements, where a letter, a place or a column stands for the name."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence

from seclog_handlers.redaction import entries
from seclog_handlers.redaction.budget import LOOK
from seclog_handlers.redaction.extents import QUOTES
from seclog_handlers.redaction.keys import Rule
from seclog_handlers.redaction.values import is_joined, is_statement, looks_chosen, looks_made

Found = tuple[int, int, str]
Spend = Callable[[int], None]

# Programs whose options carry secrets; the gate looks for these words first.
WORDS = (
    "mysql", "mariadb", "sshpass", "docker login", "podman login", "nerdctl login", "helm registry login",
    "az login", "curl", "redis-cli", "cargo login",
    "ldappasswd", "ldapdelete", "ldapcompare", "ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami",
    "smbclient", "mongo", "psql", "sqlcmd", "rabbitmqctl",
    "htpasswd", "rclone obscure", "vault login", "vault operator",
    "net use", "net user", "net rpc", "net ads", "gh secret",
    "sudo -s", "insert ", "auth ", "auth\r", "auth\\r", "wget", "openssl", "xfreerdp",
    "kubectl create secret",
    "kinit", "cqlsh",
    "snmpwalk", "snmpget", "ipmitool", "http ", "lftp", "chpasswd", "winexe", "rpcclient", "mosquitto_pub",
    "mosquitto_sub", "svn ", "zip ",
    "unrar", "oc login", "mount", "twine upload", "bcp ", "isql", "sqlplus", "expdp", "impdp", "replace ", "upsert ",
    "echo ", "printf ", "useradd", "usermod", "wpa_passphrase",
    "ssh-keygen", "signtool", "certutil", "osql", "winrm", "psexec", "ncftp", "runas", "rman ",
    "connect ", "convertto-securestring", "nickserv", "attempt", "hydra",
    "medusa", "ncrack", "schtasks", "security add-", "security find-", "incorrect: [", "tacacs-server", "radius-server",
    "connecting ", "connect to", "radtest", "snmp-server", "ntp ", "xh ", "smbpasswd", "cryptsetup",
)  # fmt: skip
# `http`, HTTPie's program, is a word of every URL: it is looked for with the space behind it.
HTTPIE = "http "
FIRST_WORDS = frozenset(
    word.replace("-", " ").replace("_", " ").replace(":", " ").split()[0] for word in WORDS if word != HTTPIE
) | {
    "mysqldump", "mysqladmin", "mysqlimport", "mongosh", "mongodump", "mongoexport", "mongorestore", "mongoimport",
    "chpasswd", "ncftpput", "ncftpget",
}  # fmt: skip

# What the options of a program that is also an everyday word, or rare enough, cannot do without.
REQUIRED = {
    "attempt": "[",
    "ntp ": "authentication-key",
    "incorrect: [": "[",
    "connect ": "@",
    "connecting ": "@",
    "mount": "pass",
    "security add-": "-w",
    "auth ": "AUTH",
    "replace ": "(",
    "insert ": "(",
}
_V = (
    r"(?P<value>\\{1,3}\"[^\"\\\n]{1,256}\\|'[^'\n]{1,256}'(?:\"'\"'[^'\n]{0,256}'){0,4}"
    r"|\"[^\"\n]{1,256}\"|[^\s'\"]{1,256})"
)
_LOGINS = (
    r"sshpass|(?:docker|podman|nerdctl) login|helm registry login|az login|mongo|ipmitool|7z|unrar|twine upload|cqlsh"
    r"|oc login"
)
_USER_OPTION = (
    r"\s(?:-u|--user|--proxy-user|-U|--auth|-a)[= ]{0,8}['\"]?[^\s:'\"]{0,128}['\"]?:['\"]?(?!//)"
    r"(?P<value>[^\s'\"]{1,256})"
)
_OPTIONS: tuple[tuple[str, str], ...] = (
    (r"mysql|mariadb",
     (r"(?:^|\s)-p(?P<value>\\{1,3}\"[^\"\\\n]{1,256}\\|'[^'\n]{1,256}'|\"[^\"\n]{1,256}\""
     r"|[^\s'\"-][^\s'\"]{0,255})")),
    (_LOGINS, rf"\s-[pP][= ]{{0,8}}(?!\d{{2,5}}\s[^\n;|]{{0,200}}\s-P[= ]){_V}"),
    (r"sqlcmd|bcp|isql|osql|mosquitto_[ps]ub|zip|snmp\w+|xfreerdp|kinit", rf"\s-P[= ]{{0,8}}{_V}"),
    (r"redis-cli", rf"\s(?:-a|--pass)[= ]{{1,8}}{_V}"),
    (r"ldap\w+", rf"\s-w[= ]{{0,8}}{_V}"),
    (r"curl|wget|http |xh |lftp|svn", _USER_OPTION),
    (r"smbclient|rpcclient|winexe|net (?:use|rpc|ads)",
     r"\s-U[= ]{0,8}['\"]?[^\s%'\"]{1,128}%(?P<value>[^\s'\"]{1,256})"),
    (r"snmp\w+", rf"\s-[cAX][= ]{{0,8}}{_V}"),
    (r"htpasswd", rf"\s-\w*b\w*\s+\S+\s+\S+\s+{_V}"),
    (r"rabbitmqctl", rf"\s(?:add_user|change_password|authenticate_user)\s+\S+\s+{_V}"),
    (r"vault login", rf"login\s+(?:-\S+\s+)*(?!-|\w+=){_V}"),
    (r"cargo login", rf"login\s+(?:-\S+\s+)*(?!-){_V}"),
    (r"vault operator", rf"unseal\s+(?!-){_V}"),
    (r"net use", rf"\s/user:\S+\s+{_V}"),
    (r"net user", rf"user\s+[\w.\\-]+\s+(?!/){_V}"),
    (r"sudo -s", rf"<<<\s*{_V}"),
    (r"openssl", rf"\s(?:pass:|-k[ ]{{1,8}}){_V}"),
    (r"openssl", r"['\"]pass:(?P<value>[^'\"\n]{1,256}(?:'\"'\"'[^'\n]{0,256}){0,4})"),
    (r"openssl", rf"\spasswd\s+(?:-\w+\s+){{1,4}}(?!-){_V}"),
    (r"kinit", rf"<<<\s*{_V}"),
    (r"gh secret", rf"--body[= ]{{1,8}}{_V}"),
    (r"xfreerdp", rf"\s/p:{_V}"),
    (r"useradd|usermod|wpa_passphrase", rf"(?:\s-p[ ]{{1,8}}|wpa_passphrase\s+\S+\s+){_V}"),
    (r"kubectl create secret", rf"--from-literal[= ]['\"]?[\w.-]+={_V}"),
    (r"sqlplus|expdp|impdp", r"\s[\w$#.]{1,30}/(?P<value>[^\s@/'\"]{1,128})(?=@|\s|$)"),
    (r"snmp-server", rf"host\s+\S+\s+(?:(?:traps|informs)\s+)?version\s+\S+\s+(?:(?:auth|noauth|priv)\s+)?{_V}"),
    (r"ntp ", rf"authentication-key\s+\d+\s+\w+\s+{_V}"),
    (r"smbpasswd", rf"smbpasswd\s+(?:-\w\s+)*[\w.]+\s+(?!-){_V}"),
    (r"cryptsetup", rf"<<<\s*{_V}"),
    (r"ssh-keygen", rf"\s-N[ ]{{0,8}}{_V}"),
    (r"signtool|runas", rf"\s/p[: ]{{1,4}}{_V}"),
    (r"certutil|psexec|ncftp", rf"\s-p[ ]{{1,8}}{_V}"),
    (r"winrm", rf"\s-p:{_V}"),
    (r"lftp", rf"\s-u[ ]{{1,8}}[^\s,]{{1,64}},{_V}"),
    (r"net use", rf"use\s+(?:\w:\s+)?\\\\\S+\s+(?!/){_V}"),
    (r"convertto-securestring", rf"(?i:securestring)\s+(?:-\w+\s+)?(?!-){_V}"),
    (r"convertto-securestring", rf"name=\"String\"; value={_V}"),
    (r"connect to", rf"(?i:user)\s+\S+\s+(?i:using)\s+{_V}"),
    (r"curl|http ", r"\s(?:-b|--cookie)[= ]{1,8}['\"]?[\w.-]{1,64}=(?P<value>[^\s;'\"]{4,1024})"),
    (r"radtest", rf"radtest\s+(?:-\w\s+\S+\s+)*\S+\s+{_V}"),
    (r"radtest", rf"radtest\s+(?:-\w\s+\S+\s+)*\S+\s+\S+\s+[\w.:-]+\s+\d{{1,5}}\s+{_V}"),
    (r"rclone obscure", rf"obscure\s+{_V}"),
    (r"chpasswd", r"chpasswd\s+(?:input\s+)?[\"']?[\w.-]{1,32}:(?P<value>[^\s'\"]{4,256})"),
    (r"chpasswd", r"(?:<<<\s*['\"]?|list:\s*\|?\s*-?\s*)[\w.-]{1,32}:(?P<value>[^\s'\"]{1,256})"),
    (r"security", rf"\s-w[ ]{{1,8}}{_V}"),
    (r"incorrect", r"\[[^/\s\]]{1,64}/(?P<value>[^\s\]]{3,128})\]"),
    (r"tacacs|radius", rf"\skey[ ](?:\d[ ])?(?!\d ){_V}"),
    (r"rman |connect |connecting ", r"\s[\w$#]{1,30}/(?P<value>[^\s@/'\"]{1,128})(?=@(?!sha256:))"),
    (r"attempt", r"\[b?['\"]?[^/=\s'\"\]]{1,64}['\"]?/b?['\"]?(?P<value>[^\s'\"\]]{3,128})"),
    (r"hydra|medusa|ncrack", rf"\s-p[ ]{{1,8}}{_V}"),
    (r"schtasks", rf"\s/rp[ ]{{1,8}}{_V}"),
    (r"nickserv", rf"(?i:identify)[ ](?:\S{{1,32}}[ ](?=[^\s#(])(?!(?:on|at|for|to|as)\b))?{_V}"),
    (
        r"mount",
        r"[,\s-]o?\s?pass(?:word)?=(?P<value>'[^'\n]{1,256}'|\"[^\"\n]{1,256}\"|(?:[^\s'\",]|,(?!\w{1,24}=)){1,256})",
    ),
)  # fmt: skip
_PIPED = re.compile(
    r"\b(?:echo|printf)\s+(?:-\w+\s+|'%s(?:\\n)?'\s+|\"%s(?:\\n)?\"\s+)?(?P<value>'[^'\n]{1,256}'|\"[^\"\n]{1,256}\""
    r"|[^\s'\"|]{1,256})\s*\|\s*(?:sudo -S|docker login|chpasswd|passwd|podman login|gh auth login|kinit|cryptsetup"
    r"|helm registry login|(?:podman|docker) secret create|gopass insert|pass insert|npm login|oc login"
    r"|base64(?:(?! -d| --decode)| (?:-d|--decode)\s*[|)]))",
    re.IGNORECASE,
)
# Who says `-u name` and `-p` means a password, whatever the program; a port is a number.
_USER_PAIR = re.compile(
    r"\s-{1,2}(?:u|user|userpass|auth|credentials|creds|proxy-user|basic)[ =]{1,8}['\"]?[\w.@-]{1,64}:"
    r"(?P<value>[^\s'\":/]{4,256})(?=['\"]?(?:\s|$|[,\]]))",
)
_USER_AND_P = re.compile(
    r"\s(?:-u|--user|--username|-U)[ =:]{1,8}['\"]?[^\s'\"]{1,64}['\"]?\s{1,4}(?:-\w\s{1,4}[^\s-]\S{0,64}\s{1,4})?"
    r"-p[ =:]{0,8}(?P<value>'[^'\n]{1,256}'|\"[^\"\n]{1,256}\"|[^\s'\"-][^\s'\"]{0,255})",
)


# curl -u "token:", the user's name being all of it
_USER_ALONE = re.compile(r"\s(?:-u|--user)[ =]{1,8}['\"]?(?P<value>[^\s'\":]{8,256}):['\"]?(?=\s|$)")
_DATABASE = re.compile(r" -p [a-z][a-z0-9_]{1,32}\Z")
_PROMPTED = re.compile(r"\b(?:mysql|mariadb)[a-z]*\b[^\n;|&]{0,100}\Z")
_SIGN = re.compile(r"[^\w.@-]")
_P_AND_USER = re.compile(r"\s-p[ ]{1,4}(?P<value>[^\s'\"-][^\s'\"]{3,255})\s{1,4}(?:-u|--user)[ =]")


def user_and_p(text: str, spend: Spend) -> list[Found]:
    """Find the password of a program that is called with `-u name -p password`."""
    line = _typed(text)
    found: list[Found] = []
    for match in _USER_ALONE.finditer(line):
        spend(LOOK)
        if looks_made(match["value"]) or (looks_chosen(match["value"]) and _SIGN.search(match["value"])):
            found.append((*match.span("value"), "token"))
    for pattern in (_USER_AND_P, _USER_PAIR, _P_AND_USER):
        for match in pattern.finditer(line):
            spend(LOOK)
            span = _span(match, text)
            last = _DATABASE.search(match[0]) is not None and not line[match.end() :].strip()
            if last and _PROMPTED.search(line, max(0, match.start() - 120), match.start()):
                continue  # mysql -u bob -p shop: which database
            if span and (looks_chosen(text[span[0] : span[1]]) or " " in text[span[0] : span[1]]):
                found.append(span)
    return found


_INSERT = re.compile(
    r"(?:insert|replace|upsert)\s{1,4}"
    r"(?:ignore\s{1,4})?into\s{1,4}[\w.`\"\[\]]{1,128}\s{0,4}\((?P<columns>[^()]{1,1000})\)"
    r"\s{0,4}values\s{0,4}(?=\()",
    re.IGNORECASE,
)
_CELL = re.compile(
    r"\s{0,4}(?:N?'(?P<quoted>(?:[^'\\\n]|''|\\.){0,4096})'|\"(?P<double>[^\"\n]{0,4096})\""
    r"|(?P<bare>[^\s,()'\"][^,()'\"\n]{0,255}(?:\([^()\n]{0,256}\))?))\s{0,4}(?P<end>[,)])",
)
# A command ends with a line, `;` or `|`, but for those in quotes.
_PROGRAMS_END = re.compile(r"(?:[^\n;|'\"]+|'[^'\n]{0,256}'|\"[^\"\n]{0,256}\"|['\"])*")
MAX_LINE = 600
MAX_ROWS = 100
MAX_PLACEHOLDER = 4


# ["mysql", "-px"], and as auditd has it: a0="mysql" a1="-px"
_LIST_STEP = re.compile(r"['\"],\s?['\"]|\" a\d{1,3}=\"")


def _spaced(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())


def _typed(text: str) -> str:
    """Return `["mysql", "-px"]` as it would be typed, of the same length."""
    return _LIST_STEP.sub(_spaced, text) if '"' in text or "'" in text else text


def options(text: str, programs: Sequence[tuple[int, str]], spend: Spend) -> list[Found]:
    """Find the secrets in the options of programs.

    Args:
        text: Any text.
        programs: Where each of WORDS was found, in order, and which.
        spend: Called with what each look costs.
    """
    found: list[Found] = _listed_login(text) if "login'" in text or 'login"' in text else []
    if not programs:
        return found
    end = 0
    original, text = text, _typed(text)
    for position, word in programs:
        if position >= end:
            spend(LOOK)
            line = _PROGRAMS_END.match(text, position, min(len(text), position + MAX_LINE))
            end = line.end() if line else position
            seen: set[re.Pattern[str]] = set()
        for option in _options_of(word):
            if option not in seen:
                seen.add(option)
                for match in option.finditer(text, position, end):
                    spend(LOOK)
                    span = _span(match, original)
                    if span is not None:
                        found.append(span)
    return found


def _end_in_quotes(text: str, first: int, start: int, end: int) -> int:
    """Return where an argument ends that a quote before it opened, spaces and all: -u 'bob:a passphrase'."""
    before = text[first:start]
    for quote in QUOTES:
        if before.count(quote) % 2:
            closing = text.find(quote, end, end + MAX_LINE)
            if closing > end and "\n" not in text[end:closing]:
                return closing
    return end


_LISTED_LOGIN = re.compile(
    r"['\"](?:docker|podman|nerdctl|registry|az|oc)['\"],\s?['\"]login['\"],[^\n]{0,200}?['\"](?:-p|--password)['\"],\s?"
    r"(?P<value>'[^'\n]{1,256}'|\"[^\"\n]{1,256}\")"
)


def _listed_login(text: str) -> list[Found]:
    """`["docker", "login", "-p", "x"]`: two words of a program that a list has apart."""
    return [span for match in _LISTED_LOGIN.finditer(text) if (span := _span(match)) is not None]


@functools.lru_cache(256)
def _options_of(word: str) -> tuple[re.Pattern[str], ...]:
    """Compile the options of a program on its first sight: most are never needed."""
    return tuple(re.compile(option) for programs, option in _OPTIONS if re.match(programs, word, re.IGNORECASE))


def _span(match: re.Match[str], original: str | None = None) -> Found | None:
    """Return where the secret is; in the original, whose lists were made lines of, one in quotes is read to its end."""
    start, end = match.span("value")
    if match["value"][0] in "'\"":
        start, end = start + 1, end - 1
    elif match["value"][0] == "\\" and '"' in match["value"]:  # sh -c "mysql -p\"x\""
        start, end = match.string.index('"', start) + 1, end - 1
    elif original is not None:
        end = _end_in_quotes(original, match.start(), start, end)
    value = match.string[start:end]
    if not value or value.startswith("-") or (is_statement(value) and not is_joined(value)):
        return None
    return start, end, "password"


def piped(text: str) -> list[Found]:
    """Find what is echoed into a program that reads a password."""
    found: list[Found] = []
    for match in _PIPED.finditer(text):
        span = _span(match)
        if span is not None:
            user = text.find(":", *span[:2]) if "chpasswd" in match[0] else -1  # bob:x
            found.append((max(span[0], user + 1), *span[1:]))
    return found


def inserted(text: str, is_name: Callable[[str], bool], spend: Spend) -> list[Found]:
    """Find the values of secret columns in INSERT statements; `is_name` tells which columns are."""
    found: list[Found] = []
    for match in _INSERT.finditer(text):
        spend(LOOK + (match.end() - match.start() >> 3))
        columns = [column.strip(' `"[]\n\t') for column in match["columns"].split(",")]
        secret = [is_name(column) for column in columns]
        if any(secret):
            found.extend(_rows(text, match.end(), secret))
    return found


def _rows(text: str, position: int, secret: list[bool]) -> list[Found]:
    found: list[Found] = []
    for _ in range(MAX_ROWS):
        if text[position : position + 1] != "(":
            break
        position += 1
        for hidden in secret:
            cell = _CELL.match(text, position)
            if cell is None:
                return found
            position = cell.end()
            group = cell.lastgroup and next(name for name in ("quoted", "double", "bare") if cell[name] is not None)
            if hidden and group and cell[group].strip():
                found.extend(_cell(text, cell, group))
            if cell["end"] == ")":
                break
        follows = re.match(r"\s{0,4},\s{0,4}(?=\()", text[position : position + 10])
        if follows is None:
            break
        position += follows.end()
    return found


_CALL_OF_SQL = re.compile(r"\w{1,40}\(\)|CURRENT_(?:DATE|TIMESTAMP)", re.IGNORECASE)


def _cell(text: str, cell: re.Match[str], group: str) -> list[Found]:
    """Return the value of a secret column, or the parameter that stands for it."""
    value = cell[group].strip()
    if value.startswith(("?", "%s", "$")) and len(value) <= MAX_PLACEHOLDER:
        return entries.bound(text, cell.start(group), Rule("password", "strong"))
    if value.lower() in ("null", "default") or _CALL_OF_SQL.fullmatch(value):
        return []
    return [(*cell.span(group), "password")]
