"""The command line: commands, reports, and how a target on it is loaded."""
