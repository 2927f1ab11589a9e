"""The commands: one module each, which declares the command's words and imports what does the work when it is called.

Guarantees: a command's module is imported when that command (or the list of commands) is asked for.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "check": "ratified.commands.check:check",
    "prove": "ratified.commands.prove:prove",
    "induct": "ratified.commands.induct:induct",
    "verify": "ratified.commands.verify:verify",
    "simulate": "ratified.commands.simulate:simulate",
    "run": "ratified.commands.run:run",
    "play": "ratified.commands.play:play",
    "bmc": "ratified.commands.bmc:bmc",
    "conform": "ratified.commands.conform:conform",
    "mutants": "ratified.commands.mutants:mutants",
    "trace": "ratified.commands.trace:trace",
    "linearizable": "ratified.commands.linearizable:linearizable",
    "explore": "ratified.commands.explore:explore",
    "graph": "ratified.commands.graph:graph",
    "export": "ratified.commands.export:export",
    "crosscheck": "ratified.commands.crosscheck:crosscheck",
    "list": "ratified.commands.list:list_",
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
