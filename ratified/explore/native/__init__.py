"""The native explorer: generated C compiled with a parallel breadth-first search, and driven from here."""
