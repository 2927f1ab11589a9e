"""A folder with obligations and their certificates: written, and checked without a solver.

Guarantees: the same contents give the same bytes. `certified` accepts a folder only if its manifest and its archive list the same
obligations, each is the text that the manifest has the hash of, and each has a certificate that the checker accepts.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path
from typing import Any

from ratified.certified import CertificateRejected, Script, Terms, check
from ratified.language.errors import RatifiedError

FORMAT = "ratified-certificates/1"
MANIFEST = "manifest.json"
ARCHIVE = "certificates.tar.xz"

MOST = 1_000_000_000
"""Bytes that an archive comes to when it is unpacked, at most."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the obligations of a folder are of: a proof script, its model, lemmas and goals, by their names."""

    script: str
    model: str
    lemmas: tuple[str, ...]
    goals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertifiedObligation:
    """An obligation: the name of its files, its SMT-LIB text, and its certificate, if one was found."""

    file: str
    text: str
    certificate: str | None


@dataclass(frozen=True, slots=True)
class Uncertified:
    """Why an obligation is not certified."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Certified:
    """What the check of a folder came to. `size` is in bytes, `seconds` are processor time."""

    heading: Heading
    obligations: int
    problems: tuple[Uncertified, ...]
    size: int
    seconds: float


def write(folder: Path, heading: Heading, entries: Sequence[CertifiedObligation]) -> int:
    """Write a folder, in place of what was written there before, and return its size in bytes.

    Raises:
        RatifiedError: it cannot be written, or holds something else.
    """
    files = {f"{e.file}.smt2": e.text for e in entries}
    files |= {f"{e.file}.proof": e.certificate for e in entries if e.certificate is not None}
    manifest = {
        "format": FORMAT,
        "script": heading.script,
        "model": heading.model,
        "lemmas": heading.lemmas,
        "goals": heading.goals,
        "obligations": {e.file: _hash(e.text) for e in entries},
    }
    contents = {
        MANIFEST: (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(),
        ARCHIVE: _packed(files),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for other in folder.iterdir():
            if other.name not in contents:
                raise RatifiedError(
                    f"{folder} holds {other.name}, which is not a certificate", remedy="give a new folder"
                )
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as problem:
        raise RatifiedError(f"{folder} cannot be written: {problem.strerror}") from None
    return sum(map(len, contents.values()))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _packed(files: Mapping[str, str]) -> bytes:
    """An archive of files, with nothing in it that depends on when and where it is made."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            content = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return lzma.compress(into.getvalue(), preset=9)


def certified(folder: Path, expected: Sequence[CertifiedObligation] | None = None) -> Certified:
    """Check a folder. With `expected`, also that its obligations are these, no more and no fewer.

    Raises:
        RatifiedError: it is not such a folder, or cannot be read.
    """
    started = time.process_time()
    heading, listed = _manifest(folder / MANIFEST)
    files = dict(_unpacked(folder / ARCHIVE))
    problems = [*_unlisted(files, listed), *(_unlike(listed, expected) if expected is not None else ())]
    terms = Terms()
    for file, hashed in listed.items():
        if why := _refused(file, hashed, files, terms):
            problems.append(Uncertified(file, why))
    size = sum((folder / name).stat().st_size for name in (MANIFEST, ARCHIVE))
    return Certified(heading, len(listed), tuple(problems), size, time.process_time() - started)


def proofs(folder: Path) -> dict[str, str]:
    """The certificates that a folder holds, by the names of the obligations; none if it is no such folder."""
    try:
        files = dict(_unpacked(folder / ARCHIVE))
    except RatifiedError:
        return {}
    return {
        name.removesuffix(".proof"): content.decode(errors="replace")
        for name, content in files.items()
        if name.endswith(".proof")
    }


def _manifest(path: Path) -> tuple[Heading, dict[str, str]]:
    """The heading, and the hash of each obligation."""
    told: Any = None
    try:
        told = json.loads(_content(path).decode(), object_pairs_hook=_once)
        names = [str(told[key]) for key in ("script", "model")]
        lists = [tuple(map(str, told[key])) for key in ("lemmas", "goals")]
        listed = {file: str(hashed) for file, hashed in told["obligations"].items()}
        shown = (*names, *lists[0], *lists[1], *listed)
        if told["format"] != FORMAT or not listed or not all(map(str.isprintable, shown)):
            raise ValueError
    except OSError as problem:
        raise RatifiedError(
            f"{path} cannot be read: {problem.strerror}",
            remedy="`ratified prove MODEL --certificate DIR` writes such a folder",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RatifiedError(f"{path} is not a manifest of certificates in the format {FORMAT}") from None
    return Heading(names[0], names[1], lists[0], lists[1]), listed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose keys are all different."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError
    return found


def _unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(_decompressed(_content(path))), mode="r:") as archive:
            seen = set()
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or member.name in seen or not member.name.isprintable():
                    raise tarfile.TarError
                seen.add(member.name)
                yield member.name, content.read()
    except OSError as problem:
        raise RatifiedError(f"{path} cannot be read: {problem.strerror or problem}") from None
    except (lzma.LZMAError, tarfile.TarError, EOFError, ValueError):
        raise RatifiedError(f"{path} is not an archive of certificates") from None


def _content(path: Path) -> bytes:
    """The content of a file; OSError if it is something else, from which one might read for ever."""
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "it is not a file")
    return path.read_bytes()


def _decompressed(content: bytes) -> bytes:
    """What was compressed; ValueError if it is more than a folder of certificates has, or something follows it."""
    reader = lzma.LZMADecompressor()
    found = reader.decompress(content, MOST)
    if not reader.eof or reader.unused_data:
        raise ValueError
    return found


def _unlisted(files: Mapping[str, bytes], listed: Mapping[str, str]) -> Iterator[Uncertified]:
    wanted = {f"{file}.{kind}" for file in listed for kind in ("smt2", "proof")}
    yield from (Uncertified(name, "the manifest does not list it") for name in files if name not in wanted)


def _unlike(listed: Mapping[str, str], expected: Sequence[CertifiedObligation]) -> Iterator[Uncertified]:
    wanted = {e.file: _hash(e.text) for e in expected}
    for file in {**wanted, **listed}:
        if file not in listed:
            yield Uncertified(file, "the model has this obligation, and the manifest does not list it")
        elif file not in wanted:
            yield Uncertified(file, "the model has no such obligation")
        elif listed[file] != wanted[file]:
            yield Uncertified(file, "the obligation of the model is a different one")


def _refused(file: str, hashed: str, files: Mapping[str, bytes], terms: Terms) -> str:
    """Why an obligation is not certified; empty if it is."""
    script, certificate = files.get(f"{file}.smt2"), files.get(f"{file}.proof")
    if script is None:
        return "the obligation is missing"
    if hashlib.sha256(script).hexdigest() != hashed:
        return "the obligation is not the one that the manifest lists"
    if certificate is None:
        return "there is no certificate"
    try:
        text, lines = script.decode(), certificate.decode()
    except UnicodeDecodeError:
        return "the obligation or the certificate is not text in UTF-8"
    return problem(text, lines, terms)


def problem(text: str, lines: str, terms: Terms) -> str:
    """What is wrong with a script or its certificate; empty if nothing is.

    Terms that other scripts have made save time; but they decide which side of an equation is subtracted from the other, so what
    is refused with them is a certificate still if it is accepted without.
    """
    return _problem(text, lines, terms) and _problem(text, lines, Terms())


def _problem(text: str, lines: str, terms: Terms) -> str:
    what = "the obligation"
    try:
        read = Script(text, terms)
        what = "the certificate"
        check(read, lines)
    except CertificateRejected as why:
        return f"{what}, {why}"
    return ""
