"""A folder of certificates is what its manifest says, or is not certified; the command says which, and what was trusted."""

from __future__ import annotations

import io
import json
import lzma
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ratified.cli.main import run
from ratified.smt.certificate.folder import (
    ARCHIVE,
    MANIFEST,
    CertifiedObligation,
    Heading,
    _packed,
    _unpacked,
    certified,
    proofs,
    write,
)
from ratified.smt.certificate.making import Wanted, certify

HEADING = Heading("Script", "Model", ("lemma",), ("goal",))
HEAD = "(declare-fun a () Bool)\n(declare-fun b () Bool)\n"
ENTRIES = (
    CertifiedObligation(
        "001-lemma-init", f"{HEAD}(assert (and a (not a)))\n(check-sat)\n", "i 1.1\ni 1.2\nu : 1 2\n"
    ),
    CertifiedObligation(
        "002-lemma-step", f"{HEAD}(assert (and b (not b)))\n(check-sat)\n", "i 1.1\ni 1.2\nu : 1 2\n"
    ),
    CertifiedObligation("003-goal-step", f"{HEAD}(assert false)\n(check-sat)\n", "i 1.1\n"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "certificates", HEADING, ENTRIES)
    return tmp_path / "certificates"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = run([str(a) for a in arguments])
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return status, told.out + told.err


def test_the_same_entries_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", HEADING, ENTRIES)
    assert [(folder / n).read_bytes() for n in (MANIFEST, ARCHIVE)] == [
        (tmp_path / "again" / n).read_bytes() for n in (MANIFEST, ARCHIVE)
    ]


def test_a_folder_that_is_right_is_certified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = said(capsys, "certified", folder)
    assert status == 0
    assert told.startswith(f"CERTIFIED  {folder}: 3 obligations of Script, each with a valid certificate\n")
    assert (
        "trusted, not checked here:\n  - that the obligations say what the model and its lemmas mean" in told
    )
    assert "  - that the obligations are all that the goals rest on" in told
    assert "  - the checker: ratified/certified.py" in told
    status, told = said(capsys, "certified", folder, "--format", "json")
    report = json.loads(told)
    assert (status, report["verdict"], report["obligations"], report["problems"]) == (0, "certified", 3, [])


def changed(change: Callable[[dict[str, str]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        files = {name: content.decode() for name, content in _unpacked(folder / ARCHIVE)}
        change(files)
        (folder / ARCHIVE).write_bytes(_packed(files))

    return apply


def listing(change: Callable[[dict[str, str]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        told = json.loads((folder / MANIFEST).read_text())
        change(told["obligations"])
        (folder / MANIFEST).write_text(json.dumps(told))

    return apply


PROBLEMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "an obligation is missing": (
        changed(lambda f: f.__delitem__("002-lemma-step.smt2")),
        "  002-lemma-step: the obligation is missing",
    ),
    "a certificate is missing": (
        changed(lambda f: f.__delitem__("002-lemma-step.proof")),
        "  002-lemma-step: there is no certificate",
    ),
    "an obligation too many": (
        changed(lambda f: f.__setitem__("004-goal-other.smt2", "(check-sat)\n")),
        "  004-goal-other.smt2: the manifest does not list it",
    ),
    "an obligation that is not listed": (
        listing(lambda o: o.__delitem__("002-lemma-step")),
        "  002-lemma-step.smt2: the manifest does not list it\n  002-lemma-step.proof: the manifest does not list it",
    ),
    "an obligation that is listed only": (
        listing(lambda o: o.__setitem__("004-goal-other", "00")),
        "  004-goal-other: the obligation is missing",
    ),
    "an obligation that was changed": (
        changed(
            lambda f: f.__setitem__("001-lemma-init.smt2", f["001-lemma-init.smt2"].replace("(not a)", "b"))
        ),
        "  001-lemma-init: the obligation is not the one that the manifest lists",
    ),
    "the certificate of another obligation": (
        changed(lambda f: f.__setitem__("001-lemma-init.proof", f["003-goal-step.proof"])),
        "  001-lemma-init: the certificate, line 2: the certificate ends without the empty clause",
    ),
    "a certificate without its end": (
        changed(lambda f: f.__setitem__("001-lemma-init.proof", "i 1.1\ni 1.2\nu : 1 2")),
        "  001-lemma-init: the certificate, line 3: the certificate ends without the empty clause",
    ),
    "obligations that changed places": (
        changed(
            lambda f: f.update(
                {
                    "001-lemma-init.smt2": f["002-lemma-step.smt2"],
                    "002-lemma-step.smt2": f["001-lemma-init.smt2"],
                }
            )
        ),
        "  002-lemma-step: the obligation is not the one that the manifest lists",
    ),
    "an empty certificate": (
        changed(lambda f: f.__setitem__("001-lemma-init.proof", "")),
        "  001-lemma-init: the certificate, line 1: the certificate ends without the empty clause",
    ),
}


@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_folder_that_is_not_right_is_not_certified(
    kind: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, why = PROBLEMS[kind]
    change(folder)
    status, told = said(capsys, "certified", folder)
    assert status == 1
    assert told.startswith(f"NOT CERTIFIED  {folder}: ")
    assert why in told


def instead(file: Path, make: Callable[[Path], object]) -> None:
    """Something else where a file is."""
    file.unlink()
    make(file)


def linked(name: str) -> bytes:
    """An archive with a link of that name, to itself."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, name
        archive.addfile(info)
    return lzma.compress(into.getvalue())


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "manifest.json cannot be read: No such file or directory"),
    "no archive": (
        lambda f: (f / ARCHIVE).unlink(),
        "certificates.tar.xz cannot be read: No such file or directory",
    ),
    "no archive but a text": (
        lambda f: (f / ARCHIVE).write_text("x"),
        "certificates.tar.xz is not an archive of certificates",
    ),
    "half an archive": (
        lambda f: (f / ARCHIVE).write_bytes((f / ARCHIVE).read_bytes()[:-40]),
        "certificates.tar.xz is not an archive of certificates",
    ),
    "no manifest but a list": (
        lambda f: (f / MANIFEST).write_text("[]"),
        "manifest.json is not a manifest of certificates",
    ),
    "no JSON": (lambda f: (f / MANIFEST).write_text("{"), "manifest.json is not a manifest of certificates"),
    "another format": (
        lambda f: (f / MANIFEST).write_text(
            (f / MANIFEST).read_text().replace("certificates/1", "certificates/2")
        ),
        "manifest.json is not a manifest of certificates in the format ratified-certificates/1",
    ),
    "a pipe, from which nothing ever comes": (
        lambda f: instead(f / MANIFEST, os.mkfifo),
        "manifest.json cannot be read: it is not a file",
    ),
    "an archive without an end": (
        lambda f: instead(f / ARCHIVE, lambda file: file.symlink_to("/dev/zero")),
        "certificates.tar.xz cannot be read: it is not a file",
    ),
    "links in a circle": (
        lambda f: instead(f / MANIFEST, lambda file: file.symlink_to(file)),
        "manifest.json cannot be read: Too many levels of symbolic links",
    ),
    "a link in the archive": (
        lambda f: (f / ARCHIVE).write_bytes(linked("001-lemma-init.smt2")),
        "certificates.tar.xz is not an archive of certificates",
    ),
    "something after the archive": (
        lambda f: (f / ARCHIVE).write_bytes((f / ARCHIVE).read_bytes() + b"x"),
        "certificates.tar.xz is not an archive of certificates",
    ),
    "no obligations": (
        lambda f: write(f, HEADING, ()),
        "manifest.json is not a manifest of certificates",
    ),
    "a name that moves the cursor": (
        lambda f: write(f, HEADING, (CertifiedObligation("\x1b[2J", "", ""),)),
        "manifest.json is not a manifest of certificates",
    ),
    "a mark of byte order": (
        lambda f: (f / MANIFEST).write_bytes(b"\xef\xbb\xbf" + (f / MANIFEST).read_bytes()),
        "manifest.json is not a manifest of certificates",
    ),
    "a name twice": (
        lambda f: (f / MANIFEST).write_text(
            (f / MANIFEST).read_text().replace("002-lemma-step", "001-lemma-init")
        ),
        "manifest.json is not a manifest of certificates",
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_folder_of_certificates_is_an_error(
    kind: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, why = UNREADABLE[kind]
    change(folder)
    status, told = said(capsys, "certified", folder)
    assert status == 2
    assert why in told


def test_what_is_a_certificate_still_is_kept_whatever_its_number(folder: Path) -> None:
    first, second, plain = ENTRIES
    other = first.text.replace("(check-sat)", "; said in other words\n(check-sat)")
    changed = second.text.replace("(and b (not b))", "(and a b)")
    wanted = [
        Wanted("002-lemma-init", other, proved=True),
        Wanted("003-lemma-step", changed, proved=True),
        Wanted("004-goal-step", plain.text, proved=True),
    ]
    made = certify(folder, HEADING, wanted, seconds=1, processes=1)
    assert (made.found, made.kept, made.missing) == (2, 1, ("003-lemma-step",))
    assert [p.file for p in certified(folder).problems] == ["003-lemma-step"]
    assert proofs(folder) == {"002-lemma-init": first.certificate, "004-goal-step": plain.certificate}


def test_certificates_are_written_checked_and_compared_with_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "consensus"
    status, told = said(capsys, "prove", "consensus", "--certificate", folder)
    assert status == 0
    assert f"certificates 3 of 3 obligations in {folder}, " in " ".join(told.split())
    status, told = said(capsys, "certified", folder, "--against", "consensus")
    assert status == 0
    assert (
        "  - that the goals follow from the obligations, which are those of the model as it is now\n" in told
    )
    status, told = said(capsys, "certified", folder, "--against", "voting")
    assert status == 1
    assert "the model has no such obligation" in told
    assert "the model has this obligation, and the manifest does not list it" in told


def test_what_is_not_proved_has_no_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "ring"
    status, told = said(capsys, "prove", "ring", "--without", "keys_are_at_home", "--certificate", folder)
    assert status == 1
    assert "; none for " in " ".join(told.split())
    status, told = said(capsys, "certified", folder)
    assert status == 1
    assert ": there is no certificate" in told


def test_a_folder_that_holds_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    status, told = said(capsys, "prove", "consensus", "--certificate", tmp_path)
    assert status == 2
    assert f"{tmp_path} holds notes.txt, which is not a certificate" in told
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
