"""An editor for tests: a client of the protocol that starts the server as editors do, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

PATIENCE = 120.0
"""Seconds after which a test is given up; nothing is said of how long an answer takes."""


class Editor:
    """Opens files, types, and keeps what the server says of them."""

    def __init__(self, seconds: float) -> None:
        self.client = LanguageClient("test", "1")
        self.seconds = seconds
        self.said: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: list[str] = []
        self.shown: list[str] = []
        self.versions: dict[str, int] = {}

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]  # pygls does not say its type
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.said.put_nowait(params)

        @self.client.feature(lsp.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]  # pygls does not say its type
        def message(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.client.feature(lsp.WINDOW_LOG_MESSAGE)  # type: ignore[untyped-decorator]  # pygls does not say its type
        def log(params: lsp.LogMessageParams) -> None:
            pass

        @self.client.feature(lsp.WINDOW_SHOW_DOCUMENT)  # type: ignore[untyped-decorator]  # pygls does not say its type
        def show(params: lsp.ShowDocumentParams) -> lsp.ShowDocumentResult:
            self.shown.append(params.uri)
            return lsp.ShowDocumentResult(success=True)

    async def type(self, file: Path, text: str) -> None:
        """Have this text in the editor, as if typed."""
        uri = file.as_uri()
        version = self.versions[uri] = self.versions.get(uri, 0) + 1
        if version == 1:
            item = lsp.TextDocumentItem(uri, "python", version, text)
            self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
            return
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(version=version, uri=uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def diagnostics(self, file: Path, text: str) -> list[lsp.Diagnostic]:
        """Type a text, and return what is said of just this version."""
        await self.type(file, text)
        while True:
            found = await self.said.get()
            if found.uri == file.as_uri() and found.version == self.versions[found.uri]:
                return list(found.diagnostics)

    async def problems(self, file: Path, text: str) -> list[str]:
        """The same as lines: place, what is wrong, and what to do."""
        return [shown(d) for d in await self.diagnostics(file, text)]

    async def lenses(self, file: Path) -> list[str]:
        """Return lenses as lines."""
        params = lsp.CodeLensParams(lsp.TextDocumentIdentifier(file.as_uri()))
        found = await self.client.text_document_code_lens_async(params)
        return [f"{lens.range.start.line + 1}: {lens.command.title}" for lens in found or () if lens.command]

    async def hover(self, file: Path, line: int, column: int) -> str | None:
        """Return what is said at a place (both from 0)."""
        where = lsp.TextDocumentIdentifier(file.as_uri())
        found = await self.client.text_document_hover_async(
            lsp.HoverParams(where, lsp.Position(line, column))
        )
        if found is None:
            return None
        assert isinstance(found.contents, lsp.MarkupContent)
        return found.contents.value

    async def fixed(self, file: Path, text: str) -> dict[str, str]:
        """Return the quick fixes of the first problem of a text: title, and the text with it."""
        (first, *_) = await self.diagnostics(file, text)
        params = lsp.CodeActionParams(
            lsp.TextDocumentIdentifier(file.as_uri()), first.range, lsp.CodeActionContext([first])
        )
        made = {}
        for action in await self.client.text_document_code_action_async(params) or ():
            assert isinstance(action, lsp.CodeAction)
            assert action.edit is not None
            assert action.edit.changes is not None
            (edit,) = action.edit.changes[file.as_uri()]
            made[action.title] = replaced(text, edit)
        return made

    async def run(self, what: str, file: Path, model: str) -> Any:
        """Press a lens over a model."""
        return await self.client.workspace_execute_command_async(
            lsp.ExecuteCommandParams(f"ratified.{what}", [file.as_uri(), model])
        )


def replaced(text: str, edit: lsp.TextEdit) -> str:
    """Return a text (of characters that are one unit each) with an edit."""
    lines = text.splitlines(keepends=True)
    start, end = edit.range.start, edit.range.end
    before = "".join(lines[: start.line]) + lines[start.line][: start.character]
    after = lines[end.line][end.character :] + "".join(lines[end.line + 1 :])
    return before + edit.new_text + after


def shown(diagnostic: lsp.Diagnostic) -> str:
    """A diagnostic as a line."""
    start, end = diagnostic.range.start, diagnostic.range.end
    where = f"{start.line + 1}:{start.character + 1}-{end.line + 1}:{end.character + 1}"
    return f"{where} {diagnostic.message}".replace("\n", " | ")


@asynccontextmanager
async def _editing(seconds: float) -> AsyncIterator[Editor]:
    editor = Editor(seconds)
    client = editor.client
    await client.start_io(sys.executable, "-m", "ratified.editor.main", "--seconds", str(seconds))
    await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    client.initialized(lsp.InitializedParams())
    try:
        yield editor
    finally:
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()  # type: ignore[no-untyped-call]  # likewise


def edit(session: Callable[[Editor], Awaitable[None]], seconds: float = 60) -> None:
    """Run a session with a server."""

    async def whole() -> None:
        async with asyncio.timeout(PATIENCE), _editing(seconds) as editor:
            await session(editor)

    asyncio.run(whole())
