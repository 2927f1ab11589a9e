"""What a project has checked: `[tool.ratified]` in pyproject.toml, or the same in ratified.toml (docs/ci.md).

Guarantees: it is read once, into frozen values, and imports no model; whatever is wrong with it is one RatifiedError with the
file, the line and a caret. A key that is not known is refused, since what it was to ask for would not be asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from ratified.cli.gate.places import SourcePlaces, places
from ratified.language.errors import RatifiedError, Span
from ratified.results.result import Limits, Verdict

CACHE = ".ratified-cache"
VERDICTS = tuple(v.value for v in Verdict)
ENGINES = ("auto", "reference", "native")


class ConfigurationError(RatifiedError):
    """A configuration that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come out. `claim` is the one that is violated; with `undecided_allowed` HOLDS may be undecided instead."""

    verdict: Verdict = Verdict.HOLDS
    claim: str | None = None
    states: int | None = None
    depth: int | None = None
    undecided_allowed: bool = False


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model at one size. `target` is as on the command line, from the folder of the configuration.

    `size` is the name of a size of the model's own, `settings` sizes and parameters that replace single ones. `deadlock` None:
    a state without successors is no violation, but told. `label` is its name in reports, `span` where it stands, `spans` where
    its single keys do.
    """

    target: str
    label: str
    size: str | None
    settings: Mapping[str, object]
    engine: str
    symmetry: bool | None
    reduction: bool
    deadlock: bool | None
    limits: Limits
    claims: tuple[str, ...]
    expect: Expectation
    span: Span
    spans: Mapping[str, Span] = field(compare=False)


@dataclass(frozen=True, slots=True)
class ProofEntry:
    """A proof for every size; `timeout` is in seconds for one obligation, `seconds` for all of it."""

    target: str
    label: str
    goals: tuple[str, ...]
    solver: str
    cross_check: bool
    timeout: float
    seconds: float | None
    undecided_allowed: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ConformanceEntry:
    """An implementation held to its model: a bundled one, or whatever `gate.conformance` takes from `path.py:name`.

    `settings` are sizes and parameters of a driver's model; `seconds` None is as long as it takes, or the usual time.
    """

    target: str
    label: str
    settings: Mapping[str, object]
    seconds: float | None
    seed: int
    undecided_allowed: bool
    span: Span


ConfiguredEntry = ModelEntry | ProofEntry | ConformanceEntry


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration as it was read. `cache` is a folder, or None where verdicts are not kept."""

    file: Path
    models: tuple[ModelEntry, ...]
    proofs: tuple[ProofEntry, ...]
    conformance: tuple[ConformanceEntry, ...]
    limits: Limits
    cache: Path | None

    @property
    def root(self) -> Path:
        """The folder from which targets are named."""
        return self.file.parent

    @property
    def entries(self) -> tuple[ConfiguredEntry, ...]:
        """All that is to be checked, in the order in which it is."""
        return (*self.models, *self.proofs, *self.conformance)


def two_configurations(own: Path, project: Path) -> ConfigurationError:
    """Return the error to raise where a folder has two."""
    return ConfigurationError(
        f"{_shown(own)} and {_shown(project)} both configure Ratified", remedy="keep one of the two"
    )


def misspelt(project: Path, text: str, start: int, name: str) -> ConfigurationError:
    """Return the error to raise for the table of a tool that is nearly ours."""
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start) - 1
    span = Span(str(project), line, column, line, column + len(name))
    return ConfigurationError(f"there is no tool {name!r}", span=span, remedy="did you mean ratified?")


def read(file: Path) -> Configuration | None:
    """Return what a file configures; None if a pyproject.toml has no `[tool.ratified]` after all.

    Raises:
        ConfigurationError: it is no TOML, or says what cannot be meant.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{_shown(file)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{_shown(file)} is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(file, str(error)) from None
    prefix: tuple[str, ...] = ()
    if file.name == "pyproject.toml":
        tool = data.get("tool", {})
        if not isinstance(tool, dict) or "ratified" not in tool:
            return None
        data, prefix = tool["ratified"], ("tool", "ratified")
    reader = _ConfigurationReader(file, places(text, str(file)))
    return reader.configuration(_Table(reader, data, prefix))


def _no_toml(file: Path, says: str) -> ConfigurationError:
    found = re.search(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", says)
    if found is None or found[2] is None:
        return ConfigurationError(f"{_shown(file)} is not valid TOML: {says}")
    line, column = int(found[2]), int(found[3]) - 1
    return ConfigurationError(
        f"this is not valid TOML: {found[1]}", span=Span(str(file), line, column, line, column + 1)
    )


def _shown(path: Path) -> str:
    return str(Span(str(path), 1, 0, 1, 0)).rsplit(":", 2)[0]


class _Table:
    """A table with its place; every key has to be asked for, so that those that nobody asks for are found."""

    def __init__(self, reader: _ConfigurationReader, data: object, path: tuple[str | int, ...]) -> None:
        self._reader, self.path = reader, path
        if not isinstance(data, dict):
            reader.refuse("this must be a table", path)
        self.data: dict[str, Any] = data

    def known(self, *names: str) -> None:
        """Refuse keys but these."""
        for key in self.data:
            if key not in names:
                near = get_close_matches(key, names, n=1, cutoff=0.5)
                remedy = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(names)}"
                self._reader.refuse(f"there is no key {key!r} here", (*self.path, key), remedy, key=True)

    def refuse(self, name: str, message: str, remedy: str = "") -> NoReturn:
        self._reader.refuse(message, (*self.path, name), remedy)

    def span(self, name: str | int | None = None) -> Span | None:
        """The place of a value; or of the table, or whatever of it has one."""
        return self._reader.span(self.path if name is None else (*self.path, name))

    def get(self, name: str, kind: type | tuple[type, ...], what: str, default: Any = None) -> Any:
        """A value of a kind. In Python True is an int; here it is none."""
        if name not in self.data:
            return default
        value = self.data[name]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.refuse(name, f"{name} must be {what}, not {_toml(value)}")
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.get(name, str, f"one of {', '.join(choices)}", default)
        if value not in choices:
            near = get_close_matches(value, choices, n=1, cutoff=0.5)
            meant = f"did you mean {near[0]}?" if near else ""
            self.refuse(name, f"{name} is one of {', '.join(choices)}, not {value!r}", meant)
        return str(value)

    def number(self, name: str, least: int, default: int | None = None) -> Any:
        value = self.get(name, int, f"a whole number from {least} on", default)
        if value is not None and name in self.data and value < least:
            self.refuse(name, f"{name} must be at least {least}, not {value}")
        return value

    def seconds(self, name: str, default: float | None = None) -> Any:
        value = self.get(name, (int, float), "a number of seconds", default)
        if value is not None and not 0 <= value < float("inf"):
            self.refuse(name, f"{name} must be a number of seconds, not {value}")
        return value

    def names(self, name: str) -> tuple[str, ...]:
        value = self.get(name, list, "a list of names", [])
        if not all(isinstance(one, str) and one for one in value):
            self.refuse(name, f"{name} must be a list of names")
        if name in self.data and not value:
            self.refuse(
                name, f"{name} is empty, so nothing would be checked", f"leave {name} out for all of them"
            )
        for number, one in enumerate(value):
            if one in value[:number]:
                self._reader.refuse(f"{one!r} is given twice", (*self.path, name, number))
        return tuple(value)

    def tables(self, name: str) -> list[_Table]:
        """A list of tables; what is listed must be something."""
        if name not in self.data:
            return []
        value = self.data[name]
        if not isinstance(value, list):
            header = ".".join(str(part) for part in (*self.path, name))
            self._reader.refuse(
                f"{name} is a list of tables", (*self.path, name), f"write [[{header}]] in two brackets"
            )
        if not value:
            self.refuse(name, f"{name} lists nothing, so nothing would be checked", f"leave {name} out")
        return [_Table(self._reader, one, (*self.path, name, number)) for number, one in enumerate(value)]


class _ConfigurationReader:
    """One file, with the places of what is in it."""

    def __init__(self, file: Path, where: SourcePlaces) -> None:
        self.file, self._where = file, where

    def span(self, path: tuple[str | int, ...]) -> Span | None:
        """The place of the value at a path, or of its key, or of what it stands in."""
        while path:
            found = self._where.values.get(path) or self._where.keys.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return None

    def refuse(
        self, message: str, path: tuple[str | int, ...], remedy: str = "", *, key: bool = False
    ) -> NoReturn:
        span = self._where.keys.get(path) if key else None
        raise ConfigurationError(message, span=span or self.span(path), remedy=remedy)

    def configuration(self, top: _Table) -> Configuration:
        top.known("models", "proofs", "conformance", "limits", "cache", "undecided")
        limits = self._limits(top, Limits())
        allowed = self._undecided(top, default=False)
        models = [e for t in top.tables("models") for e in self._models(t, limits, allowed=allowed)]
        proofs = [self._proof(t, allowed=allowed) for t in top.tables("proofs")]
        conformance = [self._conformance(t, allowed=allowed) for t in top.tables("conformance")]
        read = Configuration(
            self.file, tuple(models), tuple(proofs), tuple(conformance), limits, self._cache(top)
        )
        met: dict[str, ConfiguredEntry] = {}
        for entry in read.entries:
            if entry.label in met:
                raise ConfigurationError(
                    f"there are two entries {entry.label}; the other is at {met[entry.label].span}",
                    span=entry.span,
                    remedy='remove one, or tell them apart: name = "..."',
                )
            met[entry.label] = entry
        return read

    def _cache(self, top: _Table) -> Path | None:
        value = top.get("cache", (str, bool), "a folder, or false", CACHE)
        if value is True or value == "":
            top.refuse("cache", "cache is a folder, or false")
        return None if value is False else self.file.parent / value

    def _undecided(self, table: _Table, *, default: bool) -> bool:
        return table.choice("undecided", ("fail", "allow"), "allow" if default else "fail") == "allow"

    def _limits(self, table: _Table, usual: Limits) -> Limits:
        if "limits" not in table.data:
            return usual
        own = _Table(self, table.data["limits"], (*table.path, "limits"))
        own.known("seconds", "states", "depth", "memory")
        return Limits(
            depth=own.number("depth", 1, usual.depth),
            states=own.number("states", 1, usual.states),
            seconds=own.seconds("seconds", usual.seconds),
            memory=self._memory(own, usual.memory),
        )

    def _memory(self, table: _Table, usual: int | None) -> int | None:
        from ratified.cli.amounts import bytes_of

        text = table.get("memory", str, "an amount such as 512M or 2G, in quotes")
        if text is None:
            return usual
        found = bytes_of(text)
        if not found:
            table.refuse("memory", f"{text!r} is not an amount of memory", "write 512M or 2G")
        return found

    def _target(self, table: _Table, key: str) -> tuple[str, Span]:
        target = table.get(key, str, "path.py:Class, module:Class, or the name of something bundled")
        span = table.span(key if key in table.data else None)
        assert span is not None  # a table that was read stands somewhere
        if not target:
            raise ConfigurationError(
                f"{key} is missing: it says what to check",
                span=span,
                remedy=f'write {key} = "path.py:Class"',
            )
        return target, span

    def _label(self, table: _Table, target: str) -> str:
        name = table.get("name", str, "a name")
        if name is not None and not re.fullmatch(r"[\w.-]+", name):
            table.refuse("name", "a name consists of letters, digits, _, . and -")
        path, _, last = target.rpartition(":")
        return name or (last if path or not last.endswith(".py") else Path(last).stem)

    def _models(self, table: _Table, usual: Limits, *, allowed: bool) -> list[ModelEntry]:
        """One entry of the file, which is a model at each of its sizes."""
        table.known(
            *("model", "name", "sizes", "parameters", "engine", "symmetry", "reduction", "deadlock"),
            *("limits", "claims"),
            *("expect", "states", "depth", "undecided"),
        )
        target, span = self._target(table, "model")
        name = self._label(table, target)
        expect = self._expectation(table, allowed=allowed)
        parameters = _Table(self, table.data.get("parameters", {}), (*table.path, "parameters"))
        self._settings(parameters, {})
        given = table.data.get("sizes", {})
        sizes = given if isinstance(given, list) else [given]
        if not sizes:
            table.refuse(
                "sizes",
                "sizes is empty, so nothing would be checked",
                "leave sizes out for the standard size",
            )
        if len(sizes) > 1:
            for key in ("states", "depth"):
                if key in table.data:
                    table.refuse(
                        key,
                        f"{key} is that of one size, and there are {len(sizes)}",
                        "write an entry for each size",
                    )
        spans = {key: place for key in table.data if (place := table.span(key)) is not None}
        entries = []
        for number, size in enumerate(sizes):
            path = (*table.path, "sizes", number) if isinstance(given, list) else (*table.path, "sizes")
            named = size if isinstance(size, str) else None
            if named is None and not isinstance(size, dict):
                self.refuse(f"a size is a table such as {{ Client = 3 }}, or a name, not {_toml(size)}", path)
            own = {} if named is not None else size
            settings = self._settings(_Table(self, own, path), parameters.data)
            shown = [*([named] if named else []), *(f"{k}={_toml(v)}" for k, v in settings.items())]
            here = self.span(path)
            entries.append(
                ModelEntry(
                    target,
                    name + (f"[{','.join(shown)}]" if shown else ""),
                    named,
                    settings,
                    table.choice("engine", ENGINES, "auto"),
                    table.get("symmetry", bool, "true or false"),
                    bool(table.get("reduction", bool, "true or false")),
                    table.get("deadlock", bool, "true or false"),
                    self._limits(table, usual),
                    table.names("claims"),
                    expect,
                    span,
                    {**spans, "sizes": here or span},
                )
            )
        return entries

    def _settings(self, table: _Table, others: Mapping[str, object]) -> dict[str, object]:
        """Sizes or parameters. A setting that is there as both would be one of the two."""
        for key, value in table.data.items():
            if key in others:
                table.refuse(key, f"{key} is among the parameters too")
            if not key.isidentifier() or not _plain(value):
                table.refuse(key, f"{key} = {_toml(value)} is no size and no parameter")
        return {**table.data, **others}

    def _expectation(self, table: _Table, *, allowed: bool) -> Expectation:
        text = table.get("expect", str, "holds, violated, violated:CLAIM or undecided", "holds")
        verdict, colon, claim = text.partition(":")
        if verdict not in VERDICTS or bool(colon) != bool(claim) or (claim and verdict != "violated"):
            near = get_close_matches(verdict, VERDICTS, n=1, cutoff=0.5)
            table.refuse(
                "expect",
                f"{text!r} is not holds, violated, violated:CLAIM or undecided",
                f"did you mean {near[0]}?" if near else "",
            )
        undecided = self._undecided(table, default=allowed and verdict == "holds")
        if "undecided" in table.data and undecided and verdict != "holds":
            table.refuse(
                "undecided", f"a verdict that is expected to be {verdict} cannot be undecided as well"
            )
        return Expectation(
            Verdict(verdict), claim or None, table.number("states", 0), table.number("depth", 0), undecided
        )

    def _proof(self, table: _Table, *, allowed: bool) -> ProofEntry:
        table.known("model", "name", "goals", "solver", "cross_check", "timeout", "seconds", "undecided")
        target, span = self._target(table, "model")
        return ProofEntry(
            target,
            f"{self._label(table, target)}[proof]",
            table.names("goals"),
            table.choice("solver", ("z3", "cvc5"), "z3"),
            table.get("cross_check", bool, "true or false", default=False),
            table.seconds("timeout", 60.0),
            table.seconds("seconds"),
            self._undecided(table, default=allowed),
            span,
        )

    def _conformance(self, table: _Table, *, allowed: bool) -> ConformanceEntry:
        table.known("driver", "name", "sizes", "seconds", "seed", "undecided")
        target, span = self._target(table, "driver")
        sizes = _Table(self, table.data.get("sizes", {}), (*table.path, "sizes"))
        return ConformanceEntry(
            target,
            f"{self._label(table, target)}[conformance]",
            self._settings(sizes, {}),
            table.seconds("seconds"),
            table.get("seed", int, "a whole number", 0),
            self._undecided(table, default=allowed),
            span,
        )


def _plain(value: object) -> bool:
    """Whether a value can be a parameter: dates and fractions cannot."""
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(map(_plain, value.values()))
    return isinstance(value, str | int)


def _toml(value: object) -> str:
    """A value as the file has it, more or less."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {_toml(v)}' for k, v in value.items())}}}"
    return str(value)
