"""The list of what is bundled, as text or JSON.

Guarantees: the overview imports neither the language nor a model. Sizes stand in the models themselves, so that only those models
are imported whose sizes are shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from ratified.bundled import Bug, BundledModel, BundledProtocol, bugs, models, protocols

if TYPE_CHECKING:
    from ratified.follow.binding import Binding

SCHEMA = "ratified-list/1"
WIDTH = 100


def overview() -> str:
    """Return all that is bundled, a line each and by protocol, ending in a newline. No model is imported for it."""
    lines = [line for protocol in protocols.values() for line in _overview(protocol)]
    lines.append("`ratified list NAME` shows one protocol, or the sizes that a model names.")
    return "\n".join(lines) + "\n"


def _overview(protocol: BundledProtocol) -> list[str]:
    lines = [f"{protocol.name}: {protocol.description}", "", *_rows(protocol.models)]
    lines += ["  broken on purpose", *_rows(protocol.broken)] if protocol.broken else []
    if protocol.implementations:
        lines.append(f"  implementations: {', '.join(made.name for made in protocol.implementations)}")
    if protocol.policies:
        names = ", ".join(made.name for made in protocol.policies)
        lines += wrap(f"policies: {names}", WIDTH, initial_indent="  ", subsequent_indent="   ")
    return [*lines, ""]


def _rows(listed: Sequence[BundledModel]) -> list[str]:
    width = max(len(model.name) for model in models.values())
    return [f"    {model.name:{width}}  {model.description}" for model in listed]


def details(names: Sequence[str]) -> str:
    """Return what there is to know about some models, or about protocols by their names, ending in a newline."""
    lines = [
        line
        for name in names
        for line in ((*_details(models[name]), "") if name in models else _overview(protocols[name]))
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def actions_text(names: Sequence[str]) -> str:
    """Return what a binding may say of models, or of all models of protocols and their bundled bindings, ending in a newline."""
    from ratified.bundled.description import resolve
    from ratified.cli.loading import load
    from ratified.cli.vocabulary import event_lines, vocabulary_lines

    meant = [n for name in names for n in (listed_of(name) if name in protocols else (name,))]
    lines: list[str] = []
    for name in dict.fromkeys(meant):
        lines += [f"{name}: {models[name].description}", *vocabulary_lines(load(name).module), ""]
    for name in names:
        for made in protocols[name].implementations if name in protocols else ():
            binding = resolve(made.binding)
            lines += [f"{made.name}: what is bundled of it", *event_lines(binding), ""]
            lines += _held_to(made.name, binding())
    return "\n".join(lines).rstrip("\n") + "\n"


def _held_to(name: str, binding: Binding) -> list[str]:
    """What a binding may say of the model that an implementation is held to, which need not be one that is checked."""
    from ratified.cli.vocabulary import vocabulary_lines

    binding.begin({})
    model = binding.model()
    made = type(model)
    return [
        f"{name}: {made.__name__}, the model that implementations are held to",
        f"  from {made.__module__} import {made.__name__}",
        *wrap(f"{model!r}", WIDTH, initial_indent="  as in ", subsequent_indent="      "),
        *vocabulary_lines(made.module),
        "",
    ]


def listed_of(protocol: str) -> tuple[str, ...]:
    """Return the models of a protocol."""
    return tuple(m.name for m in protocols[protocol].models)


def listed(names: Sequence[str]) -> tuple[str, ...]:
    """Return the models that are meant by names of models and protocols, each once."""
    return tuple(
        dict.fromkeys(
            model
            for name in names
            for model in ([name] if name in models else [m.name for m in protocols[name].models])
        )
    )


def _details(model: BundledModel) -> list[str]:
    from ratified.cli.instances import is_symmetric, sizes_of
    from ratified.cli.loading import load

    cls = load(model.name)
    lines = [f"{model.name}: {model.description}", f"    class: {model.target}"]
    lines += [f"    proof: {model.proof}"] if model.proof else []
    lines += _bug_details(bugs[model.name]) if model.name in bugs else []
    for name, size in sizes_of(cls).items():
        reduced = ", with symmetry" if is_symmetric(cls, name) else ""
        lines += wrap(
            f"{name}: {_settings(size)}{reduced}", WIDTH, initial_indent="    ", subsequent_indent="        "
        )
    return lines


def _bug_details(bug: Bug) -> list[str]:
    """Where else a bug is planted, and which systems had it."""
    places = {
        "in the model of the proof": bug.relational or "",
        "not in the model of the proof": bug.no_proof,
        "planted in the implementation of": ", ".join(bug.planted_in),
        "seen in": ", ".join(bug.seen_in),
    }
    return [f"    {what}: {where}" for what, where in places.items() if where]


def listing_json(names: Sequence[str], *, actions: bool = False) -> str:
    """Return everything that is known about some models, as one JSON object; with `actions`, what a binding may say of each."""
    from ratified.cli.instances import is_symmetric, sizes_of
    from ratified.cli.loading import load
    from ratified.cli.vocabulary import vocabulary_json

    listed = []
    for model in map(models.__getitem__, names):
        cls = load(model.name)
        sizes = sizes_of(cls)
        listed.append(
            {
                "name": model.name,
                "description": model.description,
                "broken": model.broken,
                "class": model.target,
                "proof": model.proof,
                "sizes": {
                    name: {key: _plain(value) for key, value in size.items()} for name, size in sizes.items()
                },
                "symmetric_sizes": [name for name in sizes if is_symmetric(cls, name)],
                **(vocabulary_json(cls.module) if actions else {}),
            }
        )
    return json.dumps({"schema": SCHEMA, "models": listed}, indent=2, ensure_ascii=False) + "\n"


def _settings(size: Mapping[str, object]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in size.items())


def _short(value: object) -> str:
    """A setting in a word: a quorum system is said by how many quorums it has."""
    from ratified.cli.report.words import plural

    return f"({plural(len(value), 'set')})" if isinstance(value, list) else str(value)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool | list | None) else str(value)
