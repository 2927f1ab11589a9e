"""Certificates: finding them with solvers, and keeping them in a folder. What checks them is `ratified.certified`."""
