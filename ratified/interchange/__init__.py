"""What a model's values are called outside: shared by the export to TLA+, what TLC answers, and ITF.

Guarantees: a value is written in one way, whoever writes it, and read back as the same value.
"""
