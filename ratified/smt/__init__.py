"""Proofs by solvers: one size by SAT, every size by SMT."""
