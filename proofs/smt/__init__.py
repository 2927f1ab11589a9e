"""Proofs by solvers."""
