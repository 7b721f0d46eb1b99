"""The app's configuration: connects Django's own signals when the applications are ready."""

from __future__ import annotations

from django.apps import AppConfig


class SeclogConfig(AppConfig):  # type: ignore[misc]
    """Connects the signals; brings no models, no middleware and no URLs."""

    name = "seclog_handlers.integrations.django"
    label = "seclog"
    verbose_name = "Security log"

    def ready(self) -> None:
        """Connect the receivers."""
        from seclog_handlers.integrations.django import receivers  # noqa: PLC0415 - needs the settings

        receivers.connect()
