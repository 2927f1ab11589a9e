"""Raft held to its model."""
