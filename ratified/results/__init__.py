"""What every engine reports: verdicts, runs, limits, and what a step of a run has changed."""
