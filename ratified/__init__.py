"""Ratified."""
