"""Two-phase commit, proved for every number of resource managers."""
