"""Paxos, from what it is for (`consensus`) by way of how votes make it (`voting`) to the protocol itself (`paxos`)."""
