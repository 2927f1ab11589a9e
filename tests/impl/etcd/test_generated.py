"""The generated module is what the definition says today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def test_the_messages_are_generated_from_their_definition(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        "-I.",
        f"--python_out={tmp_path}",
        f"--pyi_out={tmp_path}",
    ]
    subprocess.run([*command, "ratified/impl/etcd/etcd.proto"], cwd=CHECKOUT, check=True)
    for name in ("etcd_pb2.py", "etcd_pb2.pyi"):
        made = (tmp_path / "ratified" / "impl" / "etcd" / name).read_text()
        assert made == (CHECKOUT / "impl" / "etcd" / name).read_text()
