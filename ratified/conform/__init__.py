"""Implementations of the contract held to their models: chaos, Hypothesis, the model graph, and bugs that are planted."""
