"""The commands: one module each, which declares the command's words and imports what does the work when it is called.

Guarantees: a command's module is imported when that command (or the list of commands) is asked for.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "check": "ratified.cli.commands.check:check",
    "prove": "ratified.cli.commands.prove:prove",
    "induct": "ratified.cli.commands.induct:induct",
    "verify": "ratified.cli.commands.verify:verify",
    "simulate": "ratified.cli.commands.simulate:simulate",
    "run": "ratified.cli.commands.run:run",
    "play": "ratified.cli.commands.play:play",
    "bmc": "ratified.cli.commands.bmc:bmc",
    "conform": "ratified.cli.commands.conform:conform",
    "mutants": "ratified.cli.commands.mutants:mutants",
    "trace": "ratified.cli.commands.trace:trace",
    "linearizable": "ratified.cli.commands.linearizable:linearizable",
    "explore": "ratified.cli.commands.explore:explore",
    "graph": "ratified.cli.commands.graph:graph",
    "export": "ratified.cli.commands.export:export",
    "crosscheck": "ratified.cli.commands.crosscheck:crosscheck",
    "list": "ratified.cli.commands.list:list_",
}
"""Each command's name, and where it is declared; help lists them in this order."""


class Commands(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks with a context
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """Return the command of that name, or None."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command
