"""`ratified`, and `python -m ratified`: runs the command line and leaves with its exit status."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; leave with 0 holds, 1 violated, 2 usage or model error, 3 undecided, 130 interrupted."""
    try:
        from ratified.cli.main import run
        from ratified.cli.output import prepare_streams

        prepare_streams()
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
