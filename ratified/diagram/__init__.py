"""Diagrams: state graphs, runs as sequence diagrams, and an explorer in the browser. docs/diagrams.md says how to use them."""
