"""Proofs by SMT: for every size, by induction."""
