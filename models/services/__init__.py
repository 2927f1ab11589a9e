"""Policies of those who use services: balancing, retry, failover, recovery."""
