"""The bundled implementations as what the simulator runs: made by name, with settings as people type them.

Guarantees: importing this imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, get_type_hints

from ratified.bundled import implementations
from ratified.bundled.description import resolve
from ratified.impl.system import SettingError, System
from ratified.simulator import scenario


def make_system(name: str, settings: Mapping[str, str] | None = None, *, seed: int | None = None) -> System:
    """Return an implementation with some of its configuration changed, as by `max_batch=1 pre_vote=no`.

    With a seed, the configuration is drawn for it, where the implementation knows how; what is set stays.

    Raises:
        SettingError: there is no implementation or setting of that name, or the value is none.
    """
    if name not in implementations:
        raise SettingError(f"there is no implementation {name!r}; there are: {', '.join(implementations)}")
    made = implementations[name]
    config = resolve(made.config) if seed is None or made.drawn is None else resolve(made.drawn)(seed)
    try:
        config = replace(config, **_parsed(name, config, settings or {}))
    except ValueError as error:
        raise SettingError(str(error)) from None
    make: Callable[..., System] = resolve(made.system)
    return make(config)


def play(script: str, name: str = "script") -> str:
    """Play a scenario with the implementation that it names; see `ratified.simulator.scenario.play`."""
    return scenario.play(script, make_system, name)


def _parsed(name: str, config: Any, settings: Mapping[str, str]) -> dict[str, Any]:
    """Read settings by the types of the configuration's fields."""
    types = get_type_hints(type(config))
    parsed: dict[str, Any] = {}
    for key, text in settings.items():
        if key not in types:
            known = ", ".join(field.name for field in fields(config))
            raise SettingError(f"{name} has no setting {key!r}; it has: {known}")
        if types[key] is bool:
            if text not in ("yes", "no"):
                raise SettingError(f"{key} is yes or no, not {text!r}")
            parsed[key] = text == "yes"
        else:
            try:
                parsed[key] = types[key](text)
            except ValueError:
                raise SettingError(f"{key} is a number, not {text!r}") from None
    return parsed
