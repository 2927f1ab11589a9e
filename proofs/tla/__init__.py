"""Models in TLA+: written out so that people can read them, and held against TLC."""
