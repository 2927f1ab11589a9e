"""The store, its watches, leases and locks held to their models."""
