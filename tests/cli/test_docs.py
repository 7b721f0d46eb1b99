from __future__ import annotations

from seclog_handlers.cli.check_findings import ADVICE, CODES, FINDING
from tests.cli.command import ROOT


def test_every_code_is_documented() -> None:
    """docs/cli.md says of each code why it matters and the way out, in check's own words."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    missing = [
        code for code, (kind, why, way_out) in CODES.items() if f"| `{code}` | {kind} | {why} | {way_out} |" not in text
    ]
    assert missing == []


def test_every_text_is_a_sentence() -> None:
    """Codes are kebab-case, texts are sentences."""
    for code, (kind, why, way_out) in CODES.items():
        assert code == code.lower().replace("_", "-").replace(" ", "-")
        assert kind in {FINDING, ADVICE}
        assert why.endswith(".")
        assert way_out.endswith(".")
