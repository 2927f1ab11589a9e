"""The lock of locks.py as a process that is driven, in Python's standard library. With `broken` anybody's release is taken."""

from __future__ import annotations

import json
import sys
from typing import Any


class Service:
    """A lock that clients wait for in a row."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.holder: str | None = None
        self.grants = 0
        self.waiting: list[str] = []

    def do(self, action: str, c: str) -> str | None:
        """Do something for a client; what keeps it from being done, if something does."""
        match action:
            case "acquire" if self.holder is None:
                self.holder, self.grants = c, self.grants + 1
            case "wait" if self.holder not in (None, c) and c not in self.waiting:
                self.waiting.append(c)
            case "release" if self.holder == c or (self.broken and self.waiting):
                self.holder = None
                if self.waiting:
                    self.holder, self.grants = self.waiting.pop(0), self.grants + 1
            case "give_up" if c in self.waiting:
                self.waiting.remove(c)
            case _:
                return "not now"
        return None

    def observed(self) -> dict[str, Any]:
        """What can be seen of it."""
        return {"holder": self.holder, "grants": self.grants, "waiting": self.waiting}


def serve(service: Service) -> None:
    """Answer requests until bye."""
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request["id"]}
        if "hello" in request:
            answer["hello"] = {"protocol": 1}
        elif "do" in request and (refused := service.do(request["do"], request["arguments"]["c"])):
            answer["refused"] = refused
        elif "bye" in request:
            answer["bye"] = {}
        else:
            if "reset" in request:
                service.reset()
            answer["observed"] = service.observed()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if "bye" in request:
            return


if __name__ == "__main__":
    serve(Service(broken="broken" in sys.argv[1:]))
