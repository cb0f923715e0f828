"""A forked run shows what the same command shows in an interpreter of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.forked import Command

# Each way a command can end, by its first word.
PROGRAM = """
import atexit, os, sys, threading, time

def main():
    print(sys.argv, os.getcwd(), os.environ.get("SAID"), os.environ.get("IMPOSED"), file=sys.stderr)
    word = sys.argv[1]
    if word == "code":
        return 3
    if word == "exit":
        sys.exit("a reason")
    if word == "raise":
        raise ValueError("a fault")
    if word == "late":
        atexit.register(print, "at the end")
        threading.Thread(target=lambda: (time.sleep(0.05), print("of a thread"))).start()
    if word == "wait":
        print("waiting", flush=True)
        time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "forked_program.py").write_text(PROGRAM)
    (folder / "imposing.py").write_text("import os; os.environ['IMPOSED'] = 'by an import'")
    return folder


@pytest.fixture(scope="module")
def command(folder: Path) -> Command:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return Command("forked_program:main", ["imposing"], environment)


@pytest.mark.parametrize("word", ["code", "exit", "raise", "late", "nothing"])
def test_exit_code_and_output_are_an_interpreters(
    command: Command, folder: Path, tmp_path: Path, word: str
) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "SAID": "this"}
    code = "import sys, imposing; from forked_program import main; sys.exit(main())"
    expected = subprocess.run(
        [sys.executable, "-c", code, word], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    done = command.run([word], tmp_path, environment, timeout=30)
    assert (done.returncode, done.stdout) == (expected.returncode, expected.stdout)
    # Between them is a traceback, whose frames differ.
    for line in (0, -1):
        assert done.stderr.splitlines()[line] == expected.stderr.splitlines()[line]


def test_a_run_is_ended_by_a_signal_and_says_by_which(command: Command, tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as output:
        process = command.start(["wait"], tmp_path, {}, output, output)
        while b"waiting" not in os.pread(output.fileno(), 1000, 0):
            time.sleep(0.005)
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
        process.terminate()
        assert process.wait(timeout=30) == -signal.SIGTERM
        assert (process.poll(), process.returncode) == (-signal.SIGTERM, -signal.SIGTERM)


def test_a_run_that_takes_too_long_is_killed(command: Command, tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        command.run(["wait"], tmp_path, {}, timeout=0.3)


def test_a_program_that_cannot_be_imported_fails_the_run(folder: Path, tmp_path: Path) -> None:
    command = Command("no_such_program:main", [], {**os.environ, "PYTHONPATH": str(folder)})
    with pytest.raises(RuntimeError, match="the fork server ended"):
        command.run(["code"], tmp_path, {}, timeout=30)
