"""A versioned store with watches, leases and locks, as etcd has them."""
