"""Paxos held to its model."""
