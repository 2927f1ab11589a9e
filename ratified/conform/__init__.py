"""Implementations checked against their models: fault injection, Hypothesis, the model's graph, and planted bugs."""
