"""Raft: without messages (`abstract`), as published (`raft`), with a memory (`history`), as built (`built`), and `broken`."""
