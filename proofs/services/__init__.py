"""Failover and recovery, proved for every number of nodes, tokens and entries."""
