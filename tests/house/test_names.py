"""The front door: every public name is there, and comes from where it is defined."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ratified
from ratified import language


@pytest.mark.parametrize("name", ratified.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(ratified, name) is not None
    assert name in dir(ratified)


def test_every_word_of_the_language_is_public() -> None:
    assert set(language.__all__) <= set(ratified.__all__)
    for name in language.__all__:
        assert getattr(ratified, name) is getattr(language, name)


def test_any_other_name_is_refused_as_modules_do() -> None:
    with pytest.raises(AttributeError, match=r"^module 'ratified' has no attribute 'Modle'$"):
        _ = ratified.Modle  # type: ignore[attr-defined]  # that is what is tested


def test_a_star_import_brings_them_all() -> None:
    program = f"from ratified import *; missing = set({ratified.__all__!r}) - set(globals()); assert not missing, missing"
    subprocess.run([sys.executable, "-c", program], check=True)
