"""Rules over bounded state: events in, alerts out."""

from __future__ import annotations

from seclog_handlers.detection.builtin import BUILTIN, DEFAULTS
from seclog_handlers.detection.engine import Detector

__all__ = ["BUILTIN", "DEFAULTS", "Detector"]
