"""EventFilter as a stage: what it derives, whatever names a record carries."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers import EventFilter
from seclog_handlers._record import DERIVED, fields_of
from seclog_handlers.enrichment.injection import CLIENT_FIELDS
from seclog_handlers.filters import recognition


def filtered(stage: logging.Filter, **fields: object) -> dict[str, object]:
    record = logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO", **fields})
    stage.filter(record)
    return {**fields_of(record), "levelno": record.levelno}


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(sorted(CLIENT_FIELDS | DERIVED - {"seclog_error"} | {"success", "granted", "other"})),
            st.text(max_size=8) | st.none() | st.booleans() | st.integers() | st.lists(st.text(max_size=3), max_size=2)
            | st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
            max_size=5,
        ),
        max_size=6,
    ),
    st.sampled_from(["authentication", "authorization", "api_request", "api_response", "security_x", "other"]),
)  # fmt: skip
def test_what_came_before_changes_nothing(events, kind):
    """A stage that has seen other records says of one what a new stage says."""
    stage = EventFilter()

    for fields in events:
        event = {**fields, "event_type": kind}
        assert filtered(stage, **event) == filtered(EventFilter(), **event)
        assert "seclog_error" not in filtered(stage, **event)


def test_an_applications_own_value_of_a_derived_field_moves_away():
    """Also where the stage has just seen a record with other fields."""
    stage = EventFilter()
    filtered(stage, event_type="authentication", username="bob")

    found = filtered(stage, event_type="authentication", username="bob", risk_score=3)

    assert found["extra.risk_score"] == 3
    assert "risk_score" not in found


def test_sets_of_names_are_remembered_within_bounds():
    """Names that a client chooses fill no memory."""
    stage = EventFilter()
    for number in range(recognition.MAX_SHAPES + 50):
        filtered(stage, **{"event_type": "api_request", f"made_up_{number}": 1})
    filtered(stage, event_type="api_request", **{f"many_{number}": 1 for number in range(200)})

    assert 0 < len(stage._shapes) <= recognition.MAX_SHAPES
    assert max(map(len, stage._shapes)) <= recognition.MAX_NAMES
