"""What follows a run of any system by its model: bindings, the follower, traces in files, linearizability."""
