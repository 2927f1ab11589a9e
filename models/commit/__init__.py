"""Transaction commit: what it is for (`transaction_commit`) and the two-phase protocol (`two_phase`)."""
