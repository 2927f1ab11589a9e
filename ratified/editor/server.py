"""The language server: diagnostics, quick fixes, hover and code lenses over models, for any editor that speaks the protocol.

Guarantees: what is told is of the text in the editor. No file is run unless it imports ratified, and none in this process. A
text that does not parse leaves the lenses of the last one that did. A quick fix was tried before it is offered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import ServerTextPosition, ServerTextRange

from ratified.editor.analysis import is_of_models, lines_of
from ratified.editor.asking import Analyst
from ratified.editor.fixes import applied, candidates, removes
from ratified.editor.runs import CommandOutcome, CommandRuns
from ratified.version import __version__

COMMANDS = {"check": "Check", "prove": "Prove", "graph": "Graph"}


@dataclass(slots=True)
class Document:
    """What is known of an open file. `text` and `analysis` belong together, as do `verdicts` and the texts they are of."""

    text: str = ""
    analysis: dict[str, Any] | None = None
    models: Sequence[dict[str, Any]] = ()
    newest: asyncio.Task[None] | None = None
    verdicts: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    headlines: dict[str, tuple[str, str]] = field(default_factory=dict)


class EditorServer(LanguageServer):
    """The server and what it knows."""

    def __init__(self, seconds: float) -> None:
        super().__init__("ratified-lsp", __version__)
        self.analyst = Analyst(seconds)
        self.runs = CommandRuns()
        self.documents: dict[str, Document] = {}

    def changed(self, uri: str) -> None:
        """Begin to analyse a file anew."""
        document = self.documents.setdefault(uri, Document())
        document.newest = asyncio.create_task(self._analyse(uri, document))

    async def known(self, uri: str) -> Document | None:
        """Return what is known of a file when its newest text is analysed; None if it is not open."""
        document = self.documents.get(uri)
        while document is not None and document.newest is not None and not document.newest.done():
            await asyncio.shield(document.newest)
        return document

    async def _analyse(self, uri: str, document: Document) -> None:
        opened = self.workspace.get_text_document(uri)
        text, version = opened.source, opened.version
        if is_of_models(text):
            analysis = await self.analyst.analysis(uri, path_of(uri), text)
            if analysis is None:
                return  # a later text is on its way
        else:
            await self.analyst.forget(uri)
            analysis = {"problems": [], "models": [], "hovers": []}
        document.text, document.analysis = text, analysis
        if analysis["models"] or not analysis["problems"]:
            document.models = analysis["models"]
        lines = lines_of(text)
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(
                uri=uri,
                version=version,
                diagnostics=[self.diagnostic(lines, problem) for problem in analysis["problems"]],
            )
        )
        self.refresh_lenses()

    def refresh_lenses(self) -> None:
        """Have the editor ask for lenses again, if it can be told to."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    def range_of(self, lines: Sequence[str], place: Sequence[int]) -> lsp.Range:
        """A place in the units that the client counts in."""
        line, column, end_line, end = place
        server = ServerTextRange(ServerTextPosition(line, column), ServerTextPosition(end_line, end))
        return self.workspace.position_codec.range_to_client_units(lines, server)

    def diagnostic(self, lines: Sequence[str], problem: dict[str, Any]) -> lsp.Diagnostic:
        """A problem as the protocol has it."""
        remedy = f"\n{problem['remedy']}" if problem["remedy"] else ""
        return lsp.Diagnostic(
            range=self.range_of(lines, problem["place"]),
            message=problem["message"] + remedy,
            severity=lsp.DiagnosticSeverity.Error,
            source="ratified",
        )


def path_of(uri: str) -> str:
    """The file that a document is, or would be if it were saved here."""
    path = to_fs_path(uri)
    if path and uri.startswith("file:"):
        return path
    return str(Path.cwd() / f"{Path(uri.rpartition(':')[2]).stem or 'untitled'}.py")


def served(seconds: float) -> None:
    """Serve standard input and output."""
    server = EditorServer(seconds)
    with_features(server)
    server.start_io()


def with_features(server: EditorServer) -> None:
    """Answer what an editor asks."""

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.changed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        server.changed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(_: lsp.DidSaveTextDocumentParams) -> None:
        for uri in server.documents:  # another file may import it
            server.changed(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.documents.pop(uri, None)
        await server.analyst.forget(uri)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri=uri, diagnostics=[]))

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        document = await server.known(params.text_document.uri)
        if document is None or document.analysis is None:
            return None
        lines = lines_of(document.text)
        at = server.workspace.position_codec.position_from_client_units(lines, params.position)
        for found in document.analysis["hovers"]:
            line, column, _, end = found["place"]
            if line == at.line and column <= at.character <= end:
                return lsp.Hover(
                    lsp.MarkupContent(lsp.MarkupKind.Markdown, found["text"]),
                    server.range_of(lines, found["place"]),
                )
        return None

    @server.feature(lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensOptions(resolve_provider=False))
    async def lenses(params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        uri = params.text_document.uri
        document = await server.known(uri)
        return [] if document is None else list(_lenses(server, uri, document))

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    async def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        document = await server.known(uri)
        if document is None or document.analysis is None:
            return []
        return await _fixes(server, uri, document, params.range)

    for what in COMMANDS:
        server.command(f"ratified.{what}")(_command(server, what))

    @server.feature(lsp.SHUTDOWN)
    async def shutdown(_: None) -> None:
        server.runs.stop()
        await server.analyst.stop()


def _lenses(server: EditorServer, uri: str, document: Document) -> list[lsp.CodeLens]:
    """The lenses of a file: what can be run on a model, and over each claim what came of it last."""
    lines = lines_of(document.text)
    made: list[lsp.CodeLens] = []
    for model in document.models:
        size = f" {', '.join(model['settings'])}" if model["settings"] else ""
        over = server.range_of(lines, model["place"])
        for what, title in COMMANDS.items():
            shown = title + (size if what != "prove" else "")
            command = lsp.Command(title=shown, command=f"ratified.{what}", arguments=[uri, model["name"]])
            made.append(lsp.CodeLens(over, command))
        if last := document.headlines.get(model["name"]):
            made.append(lsp.CodeLens(over, _said(last, document.text)))
        made += [
            lsp.CodeLens(server.range_of(lines, claim["place"]), _said(last, document.text))
            for claim in model["claims"]
            if (last := document.verdicts.get((model["name"], claim["name"])))
        ]
    return made


def _said(last: tuple[str, str], text: str) -> lsp.Command:
    """What came of a run, as a lens that runs nothing."""
    said, of = last
    return lsp.Command(title=said if of == text else f"{said} (before the last change)", command="")


async def _fixes(
    server: EditorServer, uri: str, document: Document, asked: lsp.Range
) -> list[lsp.CodeAction]:
    """The quick fixes for the problems in a range, each of which was tried."""
    text, analysis = document.text, document.analysis
    assert analysis is not None
    lines = lines_of(text)
    made: list[lsp.CodeAction] = []
    for number, problem in enumerate(analysis["problems"]):
        diagnostic = server.diagnostic(lines, problem)
        if diagnostic.range.end.line < asked.start.line or diagnostic.range.start.line > asked.end.line:
            continue
        for edit in candidates(text, problem):
            key = f"{uri}#{number}"
            after = await server.analyst.analysis(key, path_of(uri), applied(text, edit))
            if after is None or not removes(edit, analysis["problems"], after["problems"], problem):
                continue
            change = lsp.TextEdit(server.range_of(lines, edit.place), edit.text)
            made.append(
                lsp.CodeAction(
                    edit.title,
                    kind=lsp.CodeActionKind.QuickFix,
                    diagnostics=[diagnostic],
                    edit=lsp.WorkspaceEdit(changes={uri: [change]}),
                )
            )
    return made


def _command(server: EditorServer, what: str) -> Any:
    async def run(uri: str, model: str) -> str | None:
        document = await server.known(uri)
        if document is None:
            return None
        found = next((m for m in document.models if m["name"] == model), None)
        path = Path(path_of(uri))
        text = document.text
        if found is None:
            return _say(server, f"{path.name} no longer has a model {model}", failed=True)
        saved = None
        with contextlib.suppress(OSError, UnicodeDecodeError):
            saved = path.read_text(encoding="utf-8")
        if saved is None or lines_of(saved) != lines_of(text):
            return _say(server, f"{path.name} has unsaved changes: save it first", failed=True)
        outcome = await server.runs.run(what, str(path), model, found["settings"])
        if outcome is None:
            return _say(server, f"{COMMANDS[what]} {model} is already running")
        _note(document, model, text, outcome)
        server.refresh_lenses()
        server.window_log_message(lsp.LogMessageParams(lsp.MessageType.Log, outcome.text))
        if outcome.picture is not None:
            shown = lsp.ShowDocumentParams(outcome.picture.as_uri(), external=True)
            await server.window_show_document_async(shown)
        return _say(server, outcome.headline, failed=outcome.status != 0)

    return run


def _note(document: Document, model: str, text: str, outcome: CommandOutcome) -> None:
    for claim, verdict in outcome.verdicts.items():
        document.verdicts[model, claim] = verdict, text
    if outcome.status != 2:
        document.headlines[model] = outcome.headline, text


def _say(server: EditorServer, message: str, failed: bool = False) -> str:
    kind = lsp.MessageType.Warning if failed else lsp.MessageType.Info
    server.window_show_message(lsp.ShowMessageParams(kind, message))
    return message
