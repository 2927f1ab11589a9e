"""Systematic mistakes that nobody catches, and why each is none: by the implementation, and by the mistake."""

from __future__ import annotations

from collections.abc import Mapping

SURVIVORS: Mapping[str, Mapping[str, str]] = {}
