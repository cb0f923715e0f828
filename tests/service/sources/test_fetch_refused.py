"""What cannot be fetched is told in plain words, and nothing half-written is left to be used."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from slipway.service.faults import (
    BadModel,
    BadSettings,
    DiskFull,
    ModelAccessDenied,
    ModelNotFound,
    ModelSourceUnavailable,
    StartFault,
)
from tests.service.sources.buckets import MODEL_BYTES, Bucket, GcsBucket, S3Bucket, model_bytes
from tests.service.sources.conftest import use
from tests.service.sources.fetching import fetch, files_in
from tests.service.sources.front import Fault

LISTED = {"sha256": "0" * 64, "bytes": 1}


def assert_refused(source: str, cache_dir: Path, fault: type[StartFault], *parts: str) -> str:
    with pytest.raises(StartFault) as refused:
        fetch(source, cache_dir)
    assert type(refused.value) is fault, refused.value
    message = str(refused.value)
    for part in (source, *parts):
        assert part in message
    assert "model.onnx" not in files_in(cache_dir)
    assert "Debug source" not in message
    return message


def test_a_bucket_that_is_not_there(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model().replace("//models/", "//elsewhere/")
    assert_refused(source, tmp_path, ModelNotFound, "model not found", "there is no bucket elsewhere")


def test_an_empty_folder(bucket: Bucket, tmp_path: Path):
    source = f"{bucket.scheme}://models/empty@12345"
    told = f"{bucket.scheme}://models/empty holds no manifest.json: the folder is empty"
    assert_refused(source, tmp_path, ModelNotFound, told, "It needs manifest.json, model.onnx")


def test_a_version_that_is_gone_is_told_with_the_newest_one(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()
    folder, _, newest = source.partition("@")
    told = (
        f"manifest.json has no version 12345 (any more); its newest is {newest}. Set MODEL_SOURCE to {source}"
    )
    with pytest.raises(ModelNotFound) as refused:
        fetch(f"{folder}@12345", tmp_path)
    assert told in str(refused.value)


def test_a_version_the_store_cannot_even_read(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("manifest.json", status=400, code="InvalidArgument")]
    assert_refused(bucket.put_model(), tmp_path, ModelNotFound, "InvalidArgument")


def test_a_file_that_the_manifest_lists_and_the_folder_lacks(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("model.onnx", status=404, code="NoSuchKey")]
    assert_refused(
        bucket.put_model(), tmp_path, ModelNotFound, "manifest.json lists model.onnx, which is not in"
    )


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx"])
def test_no_permission_is_told_with_what_is_needed_and_not_asked_twice(
    bucket: Bucket, tmp_path: Path, name: str
):
    bucket.front.faults = [Fault(name, times=9, status=403, code="AccessDenied")]
    needs = {"s3": "s3:GetObject and s3:GetObjectVersion on arn:aws:s3:::models/team/", "gs": "objectViewer"}
    told = f"reading {name} is not allowed: HTTP 403 (AccessDenied: told by a test)"
    assert_refused(bucket.put_model(), tmp_path, ModelAccessDenied, told, needs[bucket.scheme])
    assert len(bucket.front.gets(name)) == 1


def test_credentials_that_ran_out(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("manifest.json", status=400, code="ExpiredToken")]
    assert_refused(bucket.put_model(), tmp_path, ModelAccessDenied, "ExpiredToken")


def test_a_file_that_is_not_the_manifests_is_fetched_twice_then_refused(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("model.onnx", times=9, flip=True)]
    told = "model.onnx has sha256 "
    assert_refused(bucket.put_model(), tmp_path, BadModel, told, "upload each model to a folder of its own")
    assert len(bucket.front.gets("model.onnx")) == 2
    assert files_in(tmp_path) <= {"tokenizer.json"}


def test_a_file_of_another_size_is_refused_before_it_is_fetched(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()
    folder = source.partition("@")[0].removeprefix(f"{bucket.scheme}://models/")
    bucket.put(f"{folder}/model.onnx", b"a newer model")
    told = f"model.onnx has 13 bytes; manifest.json says {MODEL_BYTES}. The file was changed"
    assert_refused(source, tmp_path, BadModel, told)
    assert len(bucket.front.gets("model.onnx")) == 1


def test_a_download_that_is_always_cut_is_given_up_and_kept_for_the_next_start(
    bucket: Bucket, tmp_path: Path
):
    bucket.front.faults = [Fault("model.onnx", times=99, cut_after_bytes=1000)]
    source = bucket.put_model()
    told = "model.onnx could not be fetched in 4 tries: no whole answer"
    assert_refused(source, tmp_path, ModelSourceUnavailable, told, "the next start resumes the download")
    assert len(bucket.front.gets("model.onnx")) == 4
    assert "model.onnx.part" in files_in(tmp_path)
    bucket.front.faults = []
    assert (fetch(source, tmp_path) / "model.onnx").read_bytes() == model_bytes()


def test_a_store_that_never_answers_is_given_up(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("manifest.json", times=99, status=503, code="SlowDown")]
    told = "manifest.json could not be fetched in 4 tries: HTTP 503 (SlowDown: told by a test)"
    assert_refused(bucket.put_model(), tmp_path, ModelSourceUnavailable, told)


def test_an_endpoint_where_nobody_listens(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = bucket.put_model()
    use(bucket, monkeypatch, AWS_ENDPOINT_URL="http://127.0.0.1:1", GOOGLE_BASE_URL="http://127.0.0.1:1")
    assert_refused(source, tmp_path, ModelSourceUnavailable, "no whole answer (connection refused)")


def test_an_endpoint_that_is_no_url(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = bucket.put_model()
    use(bucket, monkeypatch, AWS_ENDPOINT_URL="minio", GOOGLE_BASE_URL="minio")
    with pytest.raises(BadSettings, match="got 'minio'; allowed: http:// or https:// and a host"):
        fetch(source, tmp_path)


def test_a_bucket_in_another_region(s3: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(s3, monkeypatch)
    s3.front.faults = [Fault("manifest.json", status=301, code="PermanentRedirect")]
    assert_refused(s3.put_model(), tmp_path, BadSettings, "in another region; set AWS_REGION")


def test_no_credentials(s3: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(s3, monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    told = (
        "no credentials are available: no whole answer (connection refused). Give the task or instance a role"
    )
    assert_refused(s3.put_model(), tmp_path, ModelAccessDenied, told)


def test_a_token_file_that_is_not_there(s3: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    token_file = str(tmp_path / "absent")
    use(s3, monkeypatch, AWS_WEB_IDENTITY_TOKEN_FILE=token_file, AWS_ROLE_ARN="arn:aws:iam::1:role/a-role")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    told = f"no credentials are available: Failed to read token file '{token_file}': No such file"
    assert_refused(s3.put_model(), tmp_path, ModelAccessDenied, told)


def test_credentials_that_are_not_accepted(gs: GcsBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(gs, monkeypatch)
    gs.storage.token = "another"
    assert_refused(gs.put_model(), tmp_path, ModelAccessDenied, "HTTP 401 (AuthenticationRequired")


def test_a_credentials_file_that_is_not_there(gs: GcsBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(gs, monkeypatch, GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "absent.json"))
    assert_refused(gs.put_model(), tmp_path, BadSettings, "absent.json: No such file or directory")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"task": "sing"}, "task is 'sing'; this server has ['classify']"),
        ({"files": {"../model.onnx": LISTED}}, "is not a plain file name"),
        ({"files": {"model.onnx": LISTED, "weights.pkl": LISTED}}, "is a pickle, which runs code"),
    ],
    ids=["task", "path", "pickle"],
)
def test_a_manifest_that_cannot_be_served(bucket: Bucket, tmp_path: Path, changes: dict[str, Any], told: str):
    assert_refused(bucket.put_model(**changes), tmp_path, BadModel, told)
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"\x80\x04K\x01.", "Invalid JSON"),
        (b"[" * 10_000, "Invalid JSON"),
        (b" " * ((1 << 20) + 1), "has 1048577 bytes; a manifest has at most 1048576"),
    ],
    ids=["empty", "cut", "pickle", "deep", "large"],
)
def test_a_damaged_manifest(bucket: Bucket, tmp_path: Path, content: bytes, told: str):
    pin = bucket.put("damaged/manifest.json", content)
    assert_refused(f"{bucket.scheme}://models/damaged@{pin}", tmp_path, BadModel, told)


class DiskUsage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_that_is_too_small_is_told_before_a_byte_is_fetched(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def one_megabyte(path: Path) -> DiskUsage:
        return DiskUsage(10_000_000, 9_000_000, 1_000_000)

    source = bucket.put_model()
    monkeypatch.setattr(shutil, "disk_usage", one_megabyte)
    with pytest.raises(DiskFull, match=r"the model needs 1\.5 MB more in .*, which has 1\.0 MB free"):
        fetch(source, tmp_path)
    assert bucket.front.gets("model.onnx") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_real_disk_that_is_too_small_is_told(bucket: Bucket, small_disk: Path):
    with pytest.raises(DiskFull, match=r"which has 1\.0 MB free"):
        fetch(bucket.put_model(), small_disk)


def test_a_disk_that_fills_up_during_the_download_keeps_nothing(
    bucket: Bucket, small_disk: Path, monkeypatch: pytest.MonkeyPatch
):
    def ample(path: Path) -> DiskUsage:
        return DiskUsage(10**12, 0, 10**12)

    monkeypatch.setattr(shutil, "disk_usage", ample)
    with pytest.raises(DiskFull, match=r"no room is left for .*model\.onnx\.part"):
        fetch(bucket.put_model(), small_disk)
    assert files_in(small_disk) <= {"tokenizer.json"}


def test_a_cache_folder_that_cannot_be_written(bucket: Bucket, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"in its place")
    with pytest.raises(BadSettings, match=r"MODEL_CACHE_DIR: .*Not a directory.*mount a writable volume"):
        fetch(bucket.put_model(), tmp_path / "file")


def test_a_read_only_cache_folder(bucket: Bucket, small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(BadSettings, match=r"MODEL_CACHE_DIR: .*Read-only file system.*--tmpfs"):
        fetch(bucket.put_model(), small_disk)


def test_no_message_holds_what_the_client_signs_with(
    s3: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    use(s3, monkeypatch)
    source = s3.put_model()
    for status in (403, 400, 503, 404):
        s3.front.faults = [Fault("manifest.json", times=9, status=status)]
        with contextlib.suppress(StartFault):
            fetch(source, tmp_path)
            raise AssertionError("it was fetched")
        with pytest.raises(StartFault) as refused:
            fetch(source, tmp_path)
        assert "a-secret-of-a-test" not in str(refused.value)
        assert "an-id" not in str(refused.value)
