"""The protocols that can be simulated, by name.

Guarantees: importing this imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from importlib import import_module
from typing import Any, get_type_hints

from ratified.impl.system import System

SYSTEMS: Mapping[str, tuple[str, str, str]] = {
    "raft": ("ratified.impl.raft.system", "raft_system", "SMALL"),
    "multi-paxos": ("ratified.impl.multipaxos.system", "multipaxos_system", "SMALL"),
    "paxos": ("ratified.impl.paxos.system", "paxos_system", "Config"),
}
"""Where each is made, and the configuration (or its class) that settings change."""


class SettingError(ValueError):
    """There is no such protocol or setting, or not with such a value; the message says what there is."""


def system_named(name: str, settings: Mapping[str, str] | None = None, seed: int | None = None) -> System:
    """Return a protocol with some of its configuration changed, as by `max_batch=1 pre_vote=no`.

    With a seed, the configuration is drawn anew for it, where the protocol knows how; what is set stays.

    Raises:
        SettingError: see there.
    """
    if name not in SYSTEMS:
        raise SettingError(f"there is no implementation {name!r}; there are: {', '.join(SYSTEMS)}")
    place, factory, base = SYSTEMS[name]
    module = import_module(place)
    config = getattr(module, base)
    config = config() if isinstance(config, type) else config
    if seed is not None and hasattr(module, "drawn_config"):
        config = module.drawn_config(seed)
    try:
        config = replace(config, **_parsed(name, config, settings or {}))
    except ValueError as error:
        raise SettingError(str(error)) from None
    make: Callable[..., System] = getattr(module, factory)
    return make(config)


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
