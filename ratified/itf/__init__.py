"""Runs in ITF, the JSON format that Apalache and Quint write: out, and in again to be held against a model."""

from __future__ import annotations

from ratified.itf.follow import FollowedRun, NearStep, follow
from ratified.itf.format import ItfRun, as_itf, read_itf

__all__ = ["FollowedRun", "ItfRun", "NearStep", "as_itf", "follow", "read_itf"]
