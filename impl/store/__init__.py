"""A replicated, versioned key-value store with etcd's data model, as a pure state machine."""
