"""What a project keeps in its configuration: which models, proofs and implementations are checked, and what must come out."""
