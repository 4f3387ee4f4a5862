"""Run commands of derain again and again in forks of one process: `python attempts.py WORK.json`, a line of JSON each.

WORK.json holds a list of attempts, each with "argv", "out" (a file for what it prints), and at most one of
"disk": [folder, n, error, lasting] as of disk_arm in failing_disk.c, which must be preloaded, and
"kill_after": seconds until SIGKILL.
"""

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import derain.cli.commands  # so that no fork has to do it
import derain.evaluation.evaluate
import derain.networks
import derain.restoration.batch
import derain.training.loop


def attempt(work: dict[str, Any]) -> dict[str, Any]:
    """The exit code (that of a signal is negative), the seconds, and the number of accesses to the disk."""
    reading, writing = os.pipe()
    start = time.monotonic()
    Path(work["out"]).touch()
    child = os.fork()
    if not child:
        run(work, writing)
    os.close(writing)
    if "kill_after" in work:
        time.sleep(work["kill_after"])
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reading) as pipe:
        counted = pipe.read()
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - start,
        "counted": int(counted or 0),
    }


def run(work: dict[str, Any], writing: int) -> None:
    said = os.open(work["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv = ["derain", *work["argv"]]
    disk = ctypes.CDLL(None)
    if "disk" in work:
        folder, n, error, lasting = work["disk"]
        disk.disk_arm(folder.encode(), n, error, lasting)
    code = 70
    try:
        derain.cli.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    if "disk" in work:
        os.write(writing, str(disk.disk_count()).encode())
    os._exit(code)


if __name__ == "__main__":
    for each in json.loads(Path(sys.argv[1]).read_text()):
        print(json.dumps(attempt(each)), flush=True)
