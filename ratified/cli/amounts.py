"""Amounts of memory as people write them."""

from __future__ import annotations

import re


def bytes_of(text: str) -> int | None:
    """Return how many bytes `512M`, `2G` or `1.5GiB` are; None if it is no amount."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), flags=re.IGNORECASE)
    return None if not found else int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))
