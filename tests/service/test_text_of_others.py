"""Names from a model, and what libraries write, never begin a line of the log or steer a terminal."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from slipway.service.faults import BadModel
from slipway.service.logs import JsonFormatter, fields
from tests.conftest import ROOT
from tests.service.backends.test_onnx_graph import rewritten
from tests.service.running_server import failed_start
from tests.service.tasks.embedding_model import embedding_model

FORGED = '{"time":"2026-01-01T00:00:00.000Z","level":"error","message":"forged","cause":"forged"}'
TRICK = f"\x1b[2J\u202e\n{FORGED}\n"
any_onnx: Any = onnx


def model_with_a_forged_name(folder: Path) -> Path:
    """Its one lookup fails on a token that only the tokenizer has, and is called what forges a line."""
    embedding_model(folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["beyond"] = len(tokenizer["model"]["vocab"])
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    model = any_onnx.load(folder / "model.onnx")
    model.graph.node[0].name = TRICK
    rewritten(folder, model, "tokenizer.json")
    return folder


def model_with_a_forged_output(folder: Path) -> Path:
    embedding_model(folder)
    model = any_onnx.load(folder / "model.onnx")
    model.graph.node[-1].output[0] = model.graph.output[0].name = TRICK
    rewritten(folder, model)
    return folder


def model_with_a_forged_operator(folder: Path) -> Path:
    embedding_model(folder)
    model = any_onnx.load(folder / "model.onnx")
    model.graph.node[0].op_type = TRICK
    rewritten(folder, model)
    return folder


def model_with_a_forged_domain(folder: Path) -> Path:
    embedding_model(folder)
    model = any_onnx.load(folder / "model.onnx")
    model.graph.node[0].domain = TRICK
    rewritten(folder, model)
    return folder


@pytest.mark.parametrize(
    "make",
    [
        model_with_a_forged_name,
        model_with_a_forged_output,
        model_with_a_forged_operator,
        model_with_a_forged_domain,
    ],
)
def test_a_name_in_a_graph_forges_no_line_of_the_log_and_no_command(tmp_path: Path, make: Any):
    folder = make(tmp_path / "model")
    code, lines, stderr = failed_start(MODEL_DIR=str(folder))
    assert (code, stderr) == (2, "")
    assert [line["cause"] for line in lines if "cause" in line] == ["bad_model"]
    assert not [line for line in lines if line["message"] == "forged"]
    assert not [line for line in lines if "\x1b" in line["message"] or "\u202e" in line["message"]]
    assert r"\x1b[2J\u202e" in lines[-1]["message"]


def test_what_a_library_writes_to_standard_error_is_a_field_of_a_line():
    code = f"""
import os, sys
from service.logs import configure_logs
from service.stderr import stderr_as_log
configure_logs("info")
with stderr_as_log():
    os.write(2, {TRICK!r}.encode())
    print("from Python", file=sys.stderr)
    os.write(2, b"not UTF-8: \\xff, and no end of line")
os.write(2, b"afterwards\\n")
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.stderr == b"afterwards\n"
    assert [line["message"] for line in lines] == [
        r"\x1b[2J\u202e",
        FORGED,
        "from Python",
        r"not UTF-8: \xff, and no end of line",
    ]
    assert {(line["level"], line["source"]) for line in lines} == {("warning", "stderr")}


def test_a_crash_still_reaches_the_real_standard_error():
    code = """
import os
from service.logs import configure_logs
from service.stderr import stderr_as_log
configure_logs("info")
with stderr_as_log():
    os.abort()
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60)
    assert ended.returncode < 0
    assert b"Fatal Python error: Aborted" in ended.stderr


def test_a_log_that_nobody_reads_stops_nobody_who_writes_to_standard_error():
    code = """
import contextlib, os, time
from service.logs import configure_logs
from service.stderr import stderr_as_log
configure_logs("info")
with stderr_as_log():
    for _ in range(1000):  # 4 MB: more than the pipes and the log hold
        with contextlib.suppress(BlockingIOError):  # dropped instead of waiting
            os.write(2, b"x" * 4000 + b"\\n")
        time.sleep(0.001)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x7f", r"\x7f"),
        ("\u202e", r"\u202e"),
        ("\x9b", r"\x9b"),
        ("a\u2028b", r"a\u2028b"),
    ],
)
def test_a_log_line_holds_no_control_even_where_its_json_is_decoded(text: str, shown: str):
    record = logging.LogRecord("service", logging.INFO, "", 0, "said %s", (text,), None)
    record.__dict__.update(fields(path=text, status=200))
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["path"], line["status"]) == (f"said {shown}", shown, 200)


def test_the_message_of_a_start_fault_may_be_printed():
    assert str(BadModel("node \x1b[31m\u202e")) == r"node \x1b[31m\u202e"
