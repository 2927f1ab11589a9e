"""etcd's v3 interface over gRPC, in front of a replicated store."""
