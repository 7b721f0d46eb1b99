"""The six stages as plain `logging.Filter`s: each a thin adapter around one engine.

Each replaces attributes of the record it is given, builds new containers, never changes a caller's object, and
always returns True. In a SecurityHandler the record is a private copy; on any other handler it is the shared one.
"""

from __future__ import annotations

from seclog_handlers.filters.enrichment import GeoIPFilter, RiskFilter
from seclog_handlers.filters.pseudonyms import PseudonymFilter
from seclog_handlers.filters.recognition import AccessLogFilter, EventFilter
from seclog_handlers.filters.redaction import RedactionFilter
from seclog_handlers.filters.sampling import SamplingFilter
from seclog_handlers.filters.stage import Stage, withhold

__all__ = [
    "AccessLogFilter",
    "EventFilter",
    "GeoIPFilter",
    "PseudonymFilter",
    "RedactionFilter",
    "RiskFilter",
    "SamplingFilter",
    "Stage",
    "withhold",
]
