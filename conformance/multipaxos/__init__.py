"""Multi-Paxos held to its model."""
