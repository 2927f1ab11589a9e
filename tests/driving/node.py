"""A lock in a process, which can be told to go wrong: `node.py WHEN WHAT`, at its request number WHEN."""

import json
import os
import signal
import subprocess
import sys
import time

WHEN = int(sys.argv[1]) if len(sys.argv) > 1 else 0
WHAT = sys.argv[2] if len(sys.argv) > 2 else ""


class Lock:
    """Who has it."""

    holder: str | None = None


LOCK = Lock()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def misbehave(number: int) -> None:
    match WHAT:
        case "exit":
            sys.exit("the disk is full")
        case "abort":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(600)
        case "hang-with-a-child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            with open(sys.argv[3], "w") as file:  # noqa: PTH123 - as short as it can be
                file.write(f"{child.pid} {os.getpid()}")
            time.sleep(600)
        case "flood":
            while True:
                os.write(1, b"x" * 65536)
        case "flood-errors":
            while True:
                os.write(2, b"x" * 65535 + b"\n")
        case "close":
            os.close(1)
            time.sleep(600)
        case "raw":
            say(sys.argv[3])
        case "other":
            say(json.dumps({"id": number - 1, "observed": {}}))
        case "twice":
            say(json.dumps({"id": number, "observed": {"holder": LOCK.holder}}))
        case "chatter":
            sys.stderr.write("warning: the cache is cold\n")


def done(action: str, c: str) -> bool:
    if action == "acquire" and LOCK.holder is None:
        LOCK.holder = c
        return True
    if action == "release" and LOCK.holder == c:
        LOCK.holder = None
        return True
    return False


for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"]}
    if request["id"] == WHEN:
        misbehave(WHEN)
        if WHAT in ("raw", "other"):
            continue
    if "hello" in request:
        answer["hello"] = {"protocol": 1}
    elif "bye" in request:
        answer["bye"] = {}
    elif "do" in request and not done(request["do"], request["arguments"]["c"]):
        answer["refused"] = "not now"
    else:
        if "reset" in request:
            LOCK.holder = None
        answer["observed"] = {"holder": LOCK.holder}
    say(json.dumps(answer))
    if "bye" in request:
        break
