"""Runs of any system checked against its model: bindings, the follower, traces in files, linearizability."""
