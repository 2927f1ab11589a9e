"""Names as TLA+ can write them.

Guarantees: a legal name stays as it is.
"""

from __future__ import annotations

import re


def legal(name: str) -> str:
    """A name as TLA+ can write it: letters, digits and underscores, not beginning with one."""
    text = re.sub(r"[^A-Za-z0-9_]", lambda found: f"u{ord(found[0]):x}", name).lstrip("_")
    text = text if re.search("[A-Za-z]", text) else f"x{text}"
    return f"x{text}" if text.startswith(("WF_", "SF_")) else text
