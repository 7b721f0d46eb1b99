"""How many events a second `seclog replay` judges with the built-in pack, on one core, per line format.

Run it: python benchmarks/replay.py [--events 200000] [--rounds 3] [--format sshd ...] [--file FILE]

The logs are made up from fixed seeds and have the make-up of real ones: sshd under attack (bursts of guesses, botnets
that try each account once, single tries, an operator), our own JSON lines of a shop (mostly logins that work, typing
errors, a few attacks), an nginx access log (visitors of a site, crawlers, scanners). Each is read once per round through
the command's own code, reading and line format included; shown is the best round's CPU time.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from seclog_handlers.cli import replay_run
from seclog_handlers.policy import Policy

START = 1_772_323_200  # 2026-03-01
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
]
USERS = ["root", "root", "root", "admin", "test", "oracle", "postgres", "ubuntu", "git", "nagios", "user", "ftp"]


def _address(chance: random.Random) -> str:
    return f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def _merged(
    chance: random.Random, count: int, gap: float, begin: Callable[[float], Iterator[tuple[float, str]]]
) -> list[str]:
    """Return so many lines of stories that begin `gap` seconds after each other, in the order of their times."""
    lines: list[tuple[float, str]] = []
    when = float(START)
    while len(lines) < count:
        when += chance.expovariate(1 / gap)
        lines.extend(begin(when))
    lines.sort(key=lambda line: line[0])
    return [text for _, text in lines[:count]]


def sshd(count: int) -> list[str]:
    """Return sshd's lines in syslog: every one is an event, but for one in ten."""
    chance = random.Random(1)
    botnet = [_address(chance) for _ in range(400)]

    def line(when: float, text: str) -> tuple[float, str]:
        moment = datetime.fromtimestamp(when, timezone.utc)
        return (
            when,
            f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} bastion sshd[{chance.randrange(900, 32768)}]: {text}",
        )

    def story(when: float) -> Iterator[tuple[float, str]]:
        kind = chance.random()
        if kind < 0.3:  # an operator
            yield line(when, "Accepted publickey for deploy from 203.0.113.5 port 51122 ssh2: RSA SHA256:x")
            yield line(when + 60, "Received disconnect from 203.0.113.5 port 51122:11: disconnected by user")
        elif kind < 0.8:  # one try of a botnet
            address, user = chance.choice(botnet), chance.choice(USERS)
            yield line(when, f"Failed password for {user} from {address} port {chance.randrange(1024, 65536)} ssh2")
        else:  # a burst
            address, pause = _address(chance), chance.choice([2, 3, 30, 300])
            for number in range(chance.choice([3, 5, 20, 100])):
                user = chance.choice(USERS)
                yield line(
                    when + number * pause, f"Failed password for {user} from {address} port {40000 + number} ssh2"
                )

    return _merged(chance, count, 120, story)


def own(count: int) -> list[str]:
    """Return JSON lines of a shop's logins, as JsonFormatter writes them."""
    chance = random.Random(2)
    homes = [(f"usr_k1_{chance.getrandbits(128):032x}", _address(chance), chance.choice(AGENTS)) for _ in range(3000)]

    def line(when: float, user: str, address: str, agent: str, *, success: bool) -> tuple[float, str]:
        moment = datetime.fromtimestamp(when, timezone.utc)
        fields = {
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": "INFO" if success else "WARNING", "logger": "shop.accounts",
            "message": "login" if success else "login failed", "service": "shop", "event_type": "authentication",
            "username": user, "auth_method": "password", "success": success, "ip_address": address,
            "user_agent": agent, "risk_score": chance.choice([0, 5, 30]),
        }  # fmt: skip
        return when, json.dumps(fields, separators=(",", ":"))

    def story(when: float) -> Iterator[tuple[float, str]]:
        user, address, agent = chance.choice(homes)
        if chance.random() < 0.002:  # an attack
            address, pause = _address(chance), chance.choice([0.5, 3, 60])
            for number in range(chance.choice([10, 50, 300])):
                yield line(when + number * pause, chance.choice(homes)[0], address, agent, success=False)
            return
        if chance.random() < 0.1:  # a typing error
            yield line(when - 5, user, address, agent, success=False)
        yield line(when, user, address, agent, success=True)

    return _merged(chance, count, 20, story)


def access(count: int) -> list[str]:
    """Return lines of nginx in the combined format."""
    chance = random.Random(3)
    pages = ["/", "/about", "/favicon.ico", *(f"/products/{number}" for number in range(200))]
    pages += [f"/static/{number:x}.js" for number in range(40)]
    visitors = [(_address(chance), chance.choice(AGENTS)) for _ in range(1753)]
    probes = [f"/{word}{end}" for word in ("admin", "wp-login", "backup", "db", ".git/config", ".env", "shell", "phpmyadmin")
              for end in ("", ".php", ".zip", ".bak", "/x")]  # fmt: skip

    def line(when: float, address: str, agent: str, target: str, status: int) -> tuple[float, str]:
        moment = datetime.fromtimestamp(when, timezone.utc)
        return when, (
            f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] "GET {target} HTTP/1.1" {status} '
            f'{chance.randrange(200, 90000)} "https://shop.example.org/" "{agent}"'
        )

    def story(when: float) -> Iterator[tuple[float, str]]:
        if chance.random() < 0.005:  # a scanner
            address, pause = _address(chance), chance.choice([0.2, 2, 20])
            for number in range(100):
                yield line(when + number * pause, address, "curl/8.5.0", chance.choice(probes), 404)
            return
        address, agent = chance.choice(visitors)
        for number in range(chance.randrange(1, 30)):
            status = 404 if chance.random() < 0.01 else chance.choice([200, 200, 200, 304])
            query = "?page=2&sort=price" if chance.random() < 0.1 else ""
            yield line(when + number * chance.uniform(0.1, 20), address, agent, chance.choice(pages) + query, status)

    return _merged(chance, count, 20, story)


FORMATS: dict[str, Callable[[int], list[str]]] = {"sshd": sshd, "json": own, "access": access}


def measure(path: str) -> tuple[int, int, float]:
    """Return events, alerts and CPU seconds of one replay."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        policy = Policy.load({"pseudonyms.keys": "k1:" + "a key of the benchmarks"})
    source = replay_run.Source(policy, None, timezone.utc, 2026)
    judge = replay_run.Judge(None, policy)
    alerts: list[object] = []
    began = time.process_time()
    seen = replay_run.replay([path], source, [(judge, alerts.extend)], lambda _count: None)
    return seen.events, len(alerts), time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", action="append", choices=FORMATS, default=[])
    parser.add_argument("--file", action="append", default=[], help="a log of your own, beside or instead of these")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [(path, path) for path in arguments.file]
        for name in arguments.format or ([] if files else FORMATS):
            path = Path(folder) / f"{name}.log"
            path.write_text("".join(f"{line}\n" for line in FORMATS[name](arguments.events)))
            files.append((name, str(path)))
        for name, path in files:
            events, alerts, seconds = min((measure(path) for _ in range(arguments.rounds)), key=lambda run: run[2])
            print(f"{name:12} {events:9,} events {alerts:6,} alerts {events / seconds:10,.0f} events/s", flush=True)


if __name__ == "__main__":
    main()
