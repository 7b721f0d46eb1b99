"""What a `measure` reads of an event: a finite number, or a place on earth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.amounts import MAX_AMOUNT
from seclog_handlers.detection.conditions import Event, number, reader

if TYPE_CHECKING:
    from seclog_handlers.detection.amounts import Amount

Quantity = Callable[[Event], Any]

_LATITUDE, _LONGITUDE = 90, 180


def quantity(amount: Amount) -> Quantity:
    """Return what reads an event's number or place for a measure; it gives None where there is none."""
    if amount.kind == "ewma":
        return lambda _event: 1.0
    read = reader(amount.field)
    if amount.kind == "speed":
        return lambda event: place(read(event))
    return lambda event: bounded(read(event))


def bounded(value: Any) -> float | None:
    """Return a number whose sums stay finite."""
    found = number(value)
    return None if found is None else max(-MAX_AMOUNT, min(MAX_AMOUNT, found))


def place(location: Any) -> tuple[float, float, float] | None:
    """Return latitude, longitude and accuracy radius in kilometres of a `geo_location`."""
    if type(location) is not dict:
        return None
    latitude, longitude = number(location.get("latitude")), number(location.get("longitude"))
    if latitude is None or longitude is None or abs(latitude) > _LATITUDE or abs(longitude) > _LONGITUDE:
        return None
    return latitude, longitude, min(max(number(location.get("accuracy_radius_km")) or 0.0, 0.0), MAX_AMOUNT)
