"""A model in a bucket is measured and made a folder of, against moto's S3 and a local Cloud Storage."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slipway.infra.model.fit import estimated
from slipway.infra.model.fit_subject import subject
from tests.checkout import ROOT
from tests.conftest import write_stack
from tests.infra.command import refused, slipway
from tests.service.sources.buckets import BUCKET, Bucket, CloudStorage, Forward, GcsBucket, S3Bucket
from tests.service.sources.conftest import use, versioned_s3
from tests.service.sources.front import Fault, Front, serving

SPAM = ROOT / "service/models/sms-spam"


@pytest.fixture(scope="module")
def moto() -> Iterator[httpx.Client]:
    with versioned_s3() as client:
        yield client


@pytest.fixture(params=["s3", "gs"])
def bucket(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Bucket]:
    """Each of the two, for this process and for the command; nobody's own login is found."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    storage = CloudStorage()
    answers = Forward(request.getfixturevalue("moto")) if request.param == "s3" else storage
    with serving(Front(answers)) as front:
        found: Bucket = (
            S3Bucket(front, request.getfixturevalue("moto"))
            if request.param == "s3"
            else GcsBucket(front, storage)
        )
        use(found, monkeypatch)
        yield found


def add(project: Path, source: str, *options: str) -> str:
    """Return what a refused `slipway model add` says."""
    said = refused(project, "model", "add", source, "mine", *options, **os.environ)
    assert list((project / "models").glob("*")) == []
    return said


@pytest.mark.long
def test_a_model_in_a_bucket_becomes_a_folder_that_is_served_here(bucket: Bucket, project: Path) -> None:
    source = bucket.put_folder(SPAM)
    done = slipway(project, "model", "add", source, "mine", "--format", "json", **os.environ)
    assert done.returncode == 0, done.stderr
    added = json.loads(done.stdout)
    assert added["found"] == [f"fetched-1.0.0+{version_of(SPAM)}, task classify, fetched from {source}"]
    for name in ("model.onnx", "tokenizer.json"):
        assert (project / "models/mine" / name).read_bytes() == (SPAM / name).read_bytes()
    assert added["manifest"]["measured"]["memory_mib"] > 0


@pytest.mark.long
def test_fit_measures_a_model_in_a_bucket_and_leaves_nothing_behind(
    bucket: Bucket, project: Path, tmp_path: Path
) -> None:
    source, scratch = bucket.put_folder(SPAM), tmp_path / "scratch"
    scratch.mkdir()
    options = ("--tokens", "16", "--concurrency", "1", "--seconds", "0.2", "--format", "json")
    done = slipway(project, "fit", source, *options, **{**os.environ, "TMPDIR": str(scratch)})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["model"], found["measured"]) == (source, True)
    assert list(scratch.iterdir()) == []


def test_an_estimate_fetches_the_manifest_alone(bucket: Bucket) -> None:
    source = bucket.put_folder(SPAM)
    with subject(source, True, False, print) as (text, model):
        assert not estimated(text, model, 1).need.measured
    assert {request.name for request in bucket.front.requests if request.method == "GET"} == {"manifest.json"}


def test_a_pinned_manifest_cannot_be_written(bucket: Bucket, project: Path) -> None:
    said = refused(project, "fit", bucket.put_folder(SPAM), "--write", **os.environ)
    assert "is pinned by its own. Make a folder of it, `slipway model add " in said
    assert bucket.front.requests == []


def test_an_address_without_a_pin_gets_the_newest_one(bucket: Bucket, project: Path) -> None:
    source = bucket.put_folder(SPAM)
    folder = source.partition("@")[0]
    assert f"names no version of the model; the newest is {source}" in add(project, folder)
    nothing = f"{bucket.scheme}://{BUCKET}/nothing"
    assert f"{nothing} has no manifest.json: `slipway model push`" in add(project, nothing)


def test_a_version_that_is_gone_is_refused(bucket: Bucket, project: Path) -> None:
    folder = bucket.put_folder(SPAM).partition("@")[0]
    said = add(project, f"{folder}@{'a' * 32 if bucket.scheme == 's3' else 12345}")
    assert "has no such version of" in said
    assert "the pin is the" in said


def test_a_bucket_that_may_not_be_read_names_what_reading_needs(bucket: Bucket, project: Path) -> None:
    source = bucket.put_folder(SPAM)
    bucket.front.faults.append(Fault("model.onnx", status=403, times=9))
    said = add(project, source)
    assert "you may not fetch" in said
    assert "objectViewer" in said or "s3:GetObjectVersion" in said
    assert "PutObject" not in said
    assert "objects.create" not in said


def test_a_file_that_changed_after_its_manifest_is_not_taken(bucket: Bucket, project: Path) -> None:
    source = bucket.put_folder(SPAM)
    key = source.removeprefix(f"{bucket.scheme}://{BUCKET}/").partition("@")[0]
    bucket.put(f"{key}/tokenizer.json", (SPAM / "tokenizer.json").read_bytes()[::-1])
    done = slipway(project, "model", "add", source, "mine", **os.environ)
    assert done.returncode == 1
    assert "tokenizer.json is not the file that its manifest.json describes" in done.stderr
    assert list((project / "models").iterdir()) == []


@pytest.mark.parametrize("name", ["../outside", "a/b", "manifest\x1b.json"])
def test_a_manifest_with_a_path_in_it_is_refused(bucket: Bucket, project: Path, name: str) -> None:
    files = {"model.onnx": b"x", "tokenizer.json": b"x", name: b"x"}
    listed = {each: {"sha256": "0" * 64, "bytes": 1} for each in files}
    source = bucket.put_model({"model.onnx": b"x", "tokenizer.json": b"x"}, files=listed)
    assert "which is no plain file name" in add(project, source)


def test_an_option_that_the_manifest_decides_is_refused(bucket: Bucket, project: Path) -> None:
    source = bucket.put_folder(SPAM)
    assert "--labels is a,b; allowed is nothing here" in add(project, source, "--labels", "a,b")
    assert "--task is embed; allowed is classify" in add(project, source, "--task", "embed")


def test_a_local_stack_names_the_command_that_brings_the_model_here(project: Path) -> None:
    write_stack(project, {"target": "local", "model": "gs://models/spam@12"})
    said = refused(project, "preview", "local")
    assert "`slipway model add gs://models/spam@12 mine`" in said
    assert "`file:models/mine`" in said


def version_of(folder: Path) -> str:
    return json.loads((folder / "manifest.json").read_text())["files"]["model.onnx"]["sha256"][:12]
