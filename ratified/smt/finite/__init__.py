"""A model at one size as boolean circuits: bounded checking, k-induction, induction at a size."""
