"""Symmetry: the representative of a state among all its renamings."""

from __future__ import annotations

from ratified.models.language.model import Model
from ratified.proofs.explore.native.codegen.layout import Layout
from ratified.proofs.explore.native.codegen.values import Values


def canonical_text(model: Model, layout: Layout, values: Values) -> tuple[str, tuple[str, ...]]:
    """The body of `model_canonical`, and the sorts that it renames."""
    return "", ()
