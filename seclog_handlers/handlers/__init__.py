"""Handlers: route records through the stages, judge them, tell people."""

from __future__ import annotations
