"""Raft, as published: by way of an abstract one (`abstract`) to the protocol (`raft`); and as built (`built`)."""
