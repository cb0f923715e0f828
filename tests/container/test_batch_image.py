"""The image with ROLE=batch: the files of a folder that is mounted, and an exit code."""

import csv
import io
import json
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.container.engine import LOCKED_DOWN, Image, built, docker
from tests.service.running_server import HAM, SPAM

pytestmark = pytest.mark.container

ROWS = [("1", SPAM), ("2", HAM), ("3", ""), ("4", SPAM)]
EVERYONE_MAY_WRITE = 0o777
MAKES_PARQUET = f"""
import pyarrow, pyarrow.parquet
rows = {ROWS!r}
table = pyarrow.table({{"id": [row[0] for row in rows], "text": [row[1] for row in rows]}})
pyarrow.parquet.write_table(table, "/data/in.parquet")
"""
READS_PARQUET = """
import json, pyarrow.parquet
print(json.dumps(pyarrow.parquet.read_table("/data/out/part-00000-of-00001.parquet").to_pylist()))
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(EVERYONE_MAY_WRITE)  # the image's user is not this one
    return folder


def options(data: Path, name: str) -> list[str]:
    environ = {
        "ROLE": "batch",
        "BATCH_INPUT": f"/data/{name}",
        "BATCH_OUTPUT": "/data/out",
        "BATCH_KEEP": '["id"]',
        "BATCH_MAX_FAILED": "1",
        "BATCH_PROGRESS_SECONDS": "0.1",
    }
    settings = (f"--env={name}={value}" for name, value in environ.items())
    return [*LOCKED_DOWN, f"--volume={data}:/data", *settings]


def batch(image: Image, data: Path, name: str) -> tuple[int, str, str]:
    command = ["docker", "run", "--rm", "--network=none", *options(data, name), image.reference]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def rows_of(part: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(part.read_text().splitlines()))


def written_csv(data: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("id", "text"), *ROWS])
    (data / "in.csv").write_text(text.getvalue())


def test_it_scores_a_csv_in_a_mounted_folder_and_ends(image: Image, data: Path) -> None:
    written_csv(data)
    code, stdout, stderr = batch(image, data, "in.csv")
    assert (code, stderr) == (0, ""), stdout
    [part] = data.glob("out/part-*.csv")
    rows = rows_of(part)
    assert [(row["id"], row["label"]) for row in rows] == [("1", "spam"), ("2", "ham"), ("4", "spam")]
    [failed] = data.glob("out/failed/*.jsonl")
    assert json.loads(failed.read_text())["row"] == 3
    assert {json.loads(line)["level"] for line in stdout.splitlines()} <= {"info", "warning"}


def test_a_folder_that_its_user_cannot_write_is_told_by_name(image: Image, data: Path) -> None:
    written_csv(data)
    data.chmod(0o755)
    code, stdout, stderr = batch(image, data, "in.csv")
    assert (code, stderr) == (2, "")
    assert "/data/out" in json.loads(stdout.splitlines()[-1])["message"]


@pytest.fixture(scope="module")
def parquet_image(image: Image, checkout: Path, python_image: str, ca: Path | None, tags: list[str]) -> Image:
    """After `image`, so that its packages come from the cache."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(checkout, tags[-1], python_image, "--build-arg=PARQUET=1", ca=ca)


def in_folder(image: Image, data: Path, code: str) -> str:
    mounted = (f"--volume={data}:/data", "--network=none")
    return docker("run", "--rm", *mounted, "--entrypoint=python", image.reference, "-c", code)


def test_an_image_built_with_parquet_reads_and_writes_it(parquet_image: Image, data: Path) -> None:
    in_folder(parquet_image, data, MAKES_PARQUET)
    code, stdout, stderr = batch(parquet_image, data, "in.parquet")
    assert (code, stderr) == (0, ""), stdout
    rows = json.loads(in_folder(parquet_image, data, READS_PARQUET))
    assert [(row["id"], row["label"]) for row in rows] == [("1", "spam"), ("2", "ham"), ("4", "spam")]


def test_the_plain_image_says_what_it_lacks_for_parquet(image: Image, data: Path) -> None:
    (data / "in.parquet").write_bytes(b"PAR1")
    code, stdout, stderr = batch(image, data, "in.parquet")
    assert (code, stderr) == (2, "")
    assert "--build-arg PARQUET=1" in stdout


def test_a_batch_that_is_stopped_ends_with_75_and_the_next_goes_on(image: Image, data: Path) -> None:
    """Its rows are enough for the stop to come first."""
    (data / "in.csv").write_text("id,text\n" + "".join(f"{n},{SPAM} {n}\n" for n in range(8_000)))
    name = f"slipway-test-{uuid4().hex[:12]}"
    command = ["docker", "run", f"--name={name}", "--network=none", *options(data, "in.csv")]
    with subprocess.Popen([*command, image.reference], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            for line in process.stdout:
                if json.loads(line)["message"] == "Batch":
                    break
            docker("stop", "--time=30", name)
            process.stdout.read()
            assert process.wait(timeout=30) == 75
        finally:
            docker("rm", "--force", name)
    code, stdout, _ = batch(image, data, "in.csv")
    assert code == 0, stdout
    found = [row["id"] for part in sorted(data.glob("out/part-*.csv")) for row in rows_of(part)]
    assert found == [str(number) for number in range(8_000)]
