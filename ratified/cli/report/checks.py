"""What was checked, for every format: frozen values that decide nothing that a `Result` does not say."""

from __future__ import annotations

from dataclasses import dataclass

from ratified.results.result import Result, Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """One model that was checked: the name it was asked for by, what came out, and whether it is broken on purpose."""

    name: str
    result: Result
    description: str = ""
    broken: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the outcome means: a model that is broken on purpose and refuted is as expected."""
        if not self.broken:
            return self.result.verdict
        return {
            Verdict.VIOLATED: Verdict.HOLDS,
            Verdict.HOLDS: Verdict.VIOLATED,
            Verdict.UNDECIDED: Verdict.UNDECIDED,
        }[self.result.verdict]


@dataclass(frozen=True, slots=True)
class Report:
    """What one command found. `protocol` is the name of the protocol that was verified, if one was."""

    checks: tuple[Checked, ...]
    protocol: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Violated if any check is, else undecided if any check is, else holds."""
        verdicts = {check.verdict for check in self.checks}
        for verdict in (Verdict.VIOLATED, Verdict.UNDECIDED):
            if verdict in verdicts:
                return verdict
        return Verdict.HOLDS
