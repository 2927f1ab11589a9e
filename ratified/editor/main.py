"""`ratified-lsp`: the language server, over standard input and output.

Guarantees: without the packages of the extra it says which extra that is, in one message, with status 2.
"""

from __future__ import annotations

import argparse
import math
import sys

from ratified.extras import install


def main() -> None:
    """Serve an editor until it says that it leaves."""
    parser = argparse.ArgumentParser(
        prog="ratified-lsp",
        description="A language server for models, over standard input and output. It imports the files that are opened.",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=10.0, help="how long importing a file may take (default 10)"
    )
    parser.add_argument("--stdio", action="store_true", help="the default; some editors pass it")
    seconds: float = parser.parse_args().seconds
    try:
        import pygls  # noqa: F401 - whether it is there
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"Error: the language server needs the package {error.name}\n  {install('editor')}\n"
        )
        sys.exit(2)
    from ratified.editor.server import served

    served(seconds)


def _seconds(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise ValueError
    return value


if __name__ == "__main__":
    main()
