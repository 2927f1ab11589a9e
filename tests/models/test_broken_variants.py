"""Every variant with one thing wrong is refuted, by a shortest counterexample that is always the same."""

from __future__ import annotations
