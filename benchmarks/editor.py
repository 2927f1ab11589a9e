"""How soon an editor is told what is wrong after a change, in models of different sizes.

    python benchmarks/editor.py [--changes N] [FILE]...

A client of the protocol opens each file, changes it again and again, and waits for the diagnostics of just that version. Times
are by the clock, in milliseconds, with the processor time of one analysis beside them: on a busy machine only the latter tells.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import sys
import time
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from ratified.editor.analysis import analysed

TARGET_MS = 200
ROOT = Path(__file__).parents[1]
FILES = (
    "examples/lock_service.py",
    "models/paxos/paxos.py",
    "models/raft/raft.py",
    "models/raft/elections.py",
)


async def latencies(file: Path, changes: int) -> list[float]:
    """Return how long each change took to be told of, in milliseconds."""
    client = LanguageClient("benchmark", "1")
    told: asyncio.Queue[int | None] = asyncio.Queue()

    @client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: lsp.PublishDiagnosticsParams) -> None:
        told.put_nowait(params.version)

    await client.start_io(sys.executable, "-m", "ratified.editor.main")
    await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    text, uri = file.read_text(encoding="utf-8"), file.resolve().as_uri()
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "python", 0, text)))
    await told.get()
    found = []
    for version in range(1, changes + 1):
        whole = lsp.TextDocumentContentChangeWholeDocument(text + f"\n# {version}\n")
        start = time.perf_counter()
        client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(version=version, uri=uri), [whole]
            )
        )
        while await told.get() != version:
            pass
        found.append((time.perf_counter() - start) * 1000)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return found


def processor(file: Path) -> float:
    """Return the processor time of an analysis in a process that has imported Ratified, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    analysed(str(file.resolve()), file.read_text(encoding="utf-8"))
    after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime - before.ru_utime) * 1000


def main() -> int:
    """Measure; 1 if a median is over the target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / name for name in FILES])
    asked = parser.parse_args()
    print(f"{'file':30} {'lines':>6} {'median':>8} {'worst':>8} {'processor':>10}   (ms; target {TARGET_MS})")
    late = False
    for file in asked.files:
        found = asyncio.run(latencies(file, asked.changes))
        median = statistics.median(found)
        late = late or median > TARGET_MS
        lines = len(file.read_text(encoding="utf-8").splitlines())
        print(f"{file.name:30} {lines:6} {median:8.0f} {max(found):8.0f} {processor(file):10.0f}")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
