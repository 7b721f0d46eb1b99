"""Sigma rules in files, and what they say about events."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from textwrap import dedent
from typing import Any

from seclog_handlers.detection import Detector

HEAD = "title: A rule\nname: a_rule\nlogsource: {category: application}\ndetection:\n"


def written(folder: Path, text: str, name: str = "rules.yml") -> str:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return str(path)


def single(folder: Path, detection: str) -> str:
    """Write one rule with this detection."""
    lines = dedent(detection).strip().splitlines()
    return written(folder, HEAD + "".join(f"  {line}\n" for line in lines))


def detector(path: str) -> Detector:
    return Detector([path], state_key=stable)


def stable(field: str, value: Any) -> str:
    """Stand for a value in the state, the same in every run."""
    return blake2b(f"{field}\0{value}".encode(), digest_size=16).hexdigest()


def matches(path: str, event: dict[str, Any]) -> bool:
    """Whether the one rule of a file says of one event that it is meant."""
    return bool(detector(path).observe(event, 1000.0))


def opened(path: str, events: list[tuple[float, dict[str, Any]]]) -> list[tuple[str, float]]:
    """Return (rule, time) of the incidents that events open."""
    judge = detector(path)
    alerts = [alert for when, event in events for alert in judge.observe(event, when)]
    return [(alert["rule"], alert["created"]) for alert in alerts if alert["incident_state"] == "open"]
