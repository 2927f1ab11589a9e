"""The commands: one module each, which reads from top to bottom: what can be request, what is done, what is reported.

Guarantees: a command's module is imported when that command (or the list of commands) is asked for, and imports what does the
work when the command runs.
"""

from __future__ import annotations

from importlib import import_module

import click

SECTIONS = {
    "Models": ("check", "simulate", "browse", "graph"),
    "Proofs": ("prove", "certified", "induct", "bmc"),
    "Implementations": ("run", "play", "conform", "drive", "mutants", "trace", "linearizable"),
    "Clusters": ("serve", "cluster", "client", "torture"),
    "General": ("verify", "list", "init", "export", "crosscheck"),
}
"""The commands as help shows them. Each is declared in the module of its name."""

RENAMED = {"explore": "browse"}
"""Names that commands had, and have now."""


class Commands(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks with a context
        """Return the names in the order of help."""
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None. Raises UsageError for a name that it had."""
        if cmd_name in RENAMED:
            raise click.UsageError(f"'{cmd_name}' is now '{RENAMED[cmd_name]}'.", ctx)
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"ratified.cli.commands.{cmd_name}")
        command = getattr(module, "list_" if cmd_name == "list" else cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        width = max(map(len, self.list_commands(ctx)))
        for section, names in SECTIONS.items():
            rows = []
            for name in names:
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((f"{name:{width}}", command.get_short_help_str(formatter.width - width - 6)))
            with formatter.section(section):
                formatter.write_dl(rows)
