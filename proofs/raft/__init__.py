"""Raft as published and as built, proved for every number of servers, terms and entries."""
