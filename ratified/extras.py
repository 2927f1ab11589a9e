"""What to do where a package of an extra is missing: one text, wherever Ratified was installed from.

Guarantees: the command names the packages themselves, so that it is right for a checkout, a wheel and an index alike. Importing
this imports nothing.
"""

from __future__ import annotations


def install(extra: str) -> str:
    """Return the remedy: a command that installs what an extra consists of."""
    import re
    from importlib import metadata

    ends = re.compile(rf"""; *(?:.* and +)?extra *== *['"]{re.escape(extra)}['"]$""")
    try:
        required = metadata.requires("ratified") or ()
    except metadata.PackageNotFoundError:
        required = ()
    packages = [f"'{ends.sub('', line).strip()}'" for line in required if ends.search(line)]
    if not packages:
        return f"install the extra `{extra}` of Ratified"
    return f"pip install {' '.join(packages)}  (the extra `{extra}`)"
