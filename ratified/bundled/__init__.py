"""What is bundled: one description a protocol, from which lists, reports, help and test suites are made.

Each file in `protocols/` describes one, as its `PROTOCOL`: nothing else has to be touched to add another.

Guarantees: importing this imports no model, proof, implementation or engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from ratified.bundled import protocols as _files
from ratified.bundled.description import Bug, BundledModel, BundledProtocol, Implementation, PolicyObject

__all__ = [
    "Bug",
    "BundledModel",
    "BundledProtocol",
    "Implementation",
    "PolicyObject",
    "bugs",
    "hosted",
    "implementations",
    "models",
    "policies",
    "protocols",
]

_PROTOCOLS: tuple[BundledProtocol, ...] = tuple(
    import_module(f"{_files.__name__}.{name}").PROTOCOL
    for name in sorted(file.name for file in iter_modules(_files.__path__))
)

protocols: Mapping[str, BundledProtocol] = MappingProxyType(
    {protocol.name: protocol for protocol in _PROTOCOLS}
)
"""The protocols by name."""

models: Mapping[str, BundledModel] = MappingProxyType(
    {model.name: model for protocol in _PROTOCOLS for model in protocol.models}
    | {model.name: model for protocol in _PROTOCOLS for model in protocol.broken}
)
"""The models by name: first those that hold, then the broken ones."""

bugs: Mapping[str, Bug] = MappingProxyType(
    {name: bug for protocol in _PROTOCOLS for name, bug in protocol.variants.items()}
)
"""The bugs by the names of protocol and bug: `raft-stale-votes`."""

implementations: Mapping[str, Implementation] = MappingProxyType(
    {made.name: made for protocol in _PROTOCOLS for made in protocol.implementations}
)
"""The implementations by name."""

hosted: tuple[str, ...] = tuple(name for name, made in implementations.items() if made.hosted)
"""The implementations that run on real nodes, by name."""

policies: Mapping[str, PolicyObject] = MappingProxyType(
    {made.name: made for protocol in _PROTOCOLS for made in protocol.policies}
)
"""The implementations that are plain objects, by name."""
