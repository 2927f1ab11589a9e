"""`ratified verify`: every model of a protocol, its broken variants included, in one report."""

from __future__ import annotations

from collections.abc import Mapping

import click

from ratified.bundled import protocols
from ratified.cli.commands.options import options_of_exploring
from ratified.cli.requests import VerifyRequest, takes


@click.command(short_help="Check all the models of a protocol, in one report.")
@click.argument("protocol", type=click.Choice(list(protocols)))
@options_of_exploring()
@takes(VerifyRequest)
def verify(request: VerifyRequest) -> int:
    """Check all the models of a protocol, in one report.

    The models must hold, each refining the more abstract one; the broken variants must be refuted.
    """
    from ratified.cli.exploring import emit, explore_options, explored, not_begun
    from ratified.cli.instances import instance, is_symmetric, sizes_of
    from ratified.cli.loading import load
    from ratified.cli.report.checks import Checked, Report
    from ratified.results.seen import INTERRUPTED

    protocol = protocols[request.protocol]
    described = {model.name: model for model in (*protocol.models, *protocol.broken)}
    classes = {name: load(name) for name in described}
    chosen = _sizes(request, {name: sizes_of(cls) for name, cls in classes.items()})
    # All are made before the first is explored, which may take long, so that what is wrong is said at once.
    models = {name: instance(cls, chosen[name], {}) for name, cls in classes.items()}
    checks = []
    interrupted = False
    for name, model in models.items():
        symmetric = is_symmetric(classes[name], chosen[name])
        how = explore_options(request.exploring, symmetric=symmetric)
        # What was not begun is undecided, as what was interrupted is.
        quiet = request.output.quiet
        result = not_begun(model) if interrupted else explored(name, model, how, quiet=quiet)
        interrupted = result.stopped == INTERRUPTED
        checks.append(Checked(name, result, described[name].description, described[name].broken))
    return emit(Report(tuple(checks), protocol=request.protocol), request.output)


def _sizes(request: VerifyRequest, known: Mapping[str, Mapping[str, object]]) -> dict[str, str | None]:
    """Return the size of each model: the one asked for, where a model has it. Raises RatifiedError if none has it."""
    from ratified.language.errors import RatifiedError

    size = request.exploring.size
    if size and not any(size in sizes for sizes in known.values()):
        names = dict.fromkeys(name for sizes in known.values() for name in sizes)
        raise RatifiedError(
            f"no model of {request.protocol} has a size {size!r}", remedy=f"their sizes: {', '.join(names)}"
        )
    return {name: size if size in sizes else None for name, sizes in known.items()}
