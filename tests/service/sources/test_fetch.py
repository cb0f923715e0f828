"""What a fetch brings, and what it survives; on both clouds."""

import asyncio
import json
from pathlib import Path

import pytest

from slipway.service.sources import progress
from tests.service.sources.buckets import MODEL_BYTES, TOKENIZER, Bucket, manifest_of, model_bytes
from tests.service.sources.fetching import Pauses, bucket_model, fetch, fetched, files_in
from tests.service.sources.front import Fault


def assert_whole(folder: Path) -> None:
    assert (folder / "model.onnx").read_bytes() == model_bytes()
    assert (folder / "tokenizer.json").read_bytes() == TOKENIZER
    assert files_in(folder) == {"model.onnx", "tokenizer.json"}


def ranges(bucket: Bucket) -> list[str]:
    return [request.headers.get("range", "") for request in bucket.front.gets("model.onnx")]


def test_the_files_of_the_manifest_are_fetched(bucket: Bucket, tmp_path: Path):
    assert_whole(fetch(bucket.put_model(), tmp_path))
    assert len(bucket.front.gets("manifest.json")) == 1


def test_the_pinned_manifest_counts_not_the_newest(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()
    folder = source.partition("@")[0].removeprefix(f"{bucket.scheme}://models/")
    changed = manifest_of({"model.onnx": b"other", "tokenizer.json": TOKENIZER})
    bucket.put(f"{folder}/manifest.json", json.dumps(changed).encode())
    assert_whole(fetch(source, tmp_path))


def test_a_second_start_asks_for_the_manifest_only(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()
    fetch(source, tmp_path)
    bucket.front.requests.clear()
    assert_whole(fetch(source, tmp_path))
    assert [request.name for request in bucket.front.requests] == ["manifest.json"]


def test_a_damaged_file_of_an_earlier_start_is_fetched_again(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()
    model = fetch(source, tmp_path) / "model.onnx"
    model.write_bytes(model_bytes()[:-1] + b"x")
    assert_whole(fetch(source, tmp_path))
    assert len(bucket.front.gets("tokenizer.json")) == 1


def test_a_cut_download_goes_on_where_it_was_cut(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("model.onnx", times=2, cut_after_bytes=600_000)]
    assert_whole(fetch(bucket.put_model(), tmp_path))
    first, second, third = (int(asked.removeprefix("bytes=").strip("-") or 0) for asked in ranges(bucket))
    assert first == 0
    assert 256_000 <= second <= 600_000
    assert second < third <= 1_200_000


def test_a_start_goes_on_from_what_an_earlier_one_left(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()
    folder = fetch(source, tmp_path)
    (folder / "model.onnx").unlink()
    (folder / "model.onnx.part").write_bytes(model_bytes()[:1_000_000])
    bucket.front.requests.clear()
    assert_whole(fetch(source, tmp_path))
    assert ranges(bucket) == ["bytes=1000000-"]


@pytest.mark.parametrize(
    ("part", "asked"),
    [(b"x" * 1000, ["bytes=1000-", ""]), (b"x" * (MODEL_BYTES + 1), [""]), (model_bytes(), [])],
    ids=["of another file", "too long", "whole"],
)
def test_a_part_is_used_only_if_the_hash_agrees(
    bucket: Bucket, tmp_path: Path, part: bytes, asked: list[str]
):
    source = bucket.put_model()
    folder = fetch(source, tmp_path)
    (folder / "model.onnx").unlink()
    (folder / "model.onnx.part").write_bytes(part)
    bucket.front.requests.clear()
    assert_whole(fetch(source, tmp_path))
    assert ranges(bucket) == asked


def test_a_byte_changed_on_the_way_is_fetched_again(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("model.onnx", flip=True)]
    assert_whole(fetch(bucket.put_model(), tmp_path))
    assert ranges(bucket) == ["", ""]


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx"])
@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_store_that_fails_twice_is_asked_again_after_growing_pauses(
    bucket: Bucket, tmp_path: Path, name: str, status: int
):
    bucket.front.faults = [Fault(name, times=2, status=status)]
    pauses = Pauses()
    assert_whole(fetch(bucket.put_model(), tmp_path, pauses=pauses))
    first, second = pauses.seconds
    assert 0.5 <= first <= 0.625
    assert 1 <= second <= 1.25


def test_a_download_that_stalls_is_asked_for_again(bucket: Bucket, tmp_path: Path):
    bucket.front.faults = [Fault("model.onnx", stall_seconds=1)]
    assert_whole(fetch(bucket.put_model(), tmp_path))
    assert len(ranges(bucket)) == 2


def test_two_that_share_a_folder_fetch_a_model_once(bucket: Bucket, tmp_path: Path):
    source = bucket.put_model()

    async def both() -> list[Path]:
        return await asyncio.gather(*(fetched(bucket_model(source, tmp_path)) for _ in range(2)))

    one, other = asyncio.run(both())
    assert one == other
    assert_whole(one)
    assert len(bucket.front.gets("model.onnx")) == 1


def test_two_pins_have_folders_of_their_own(bucket: Bucket, tmp_path: Path):
    one = fetch(bucket.put_model(), tmp_path)
    other = fetch(bucket.put_model({"model.onnx": b"other", "tokenizer.json": TOKENIZER}), tmp_path)
    assert one != other
    assert_whole(one)


def test_further_plain_files_of_the_manifest_are_fetched_too(bucket: Bucket, tmp_path: Path):
    files = {"model.onnx": b"graph", "tokenizer.json": TOKENIZER, "model.onnx.data": model_bytes()}
    folder = fetch(bucket.put_model(files), tmp_path)
    assert {name: (folder / name).read_bytes() for name in files} == files


def test_the_log_tells_begin_progress_and_end(caplog: pytest.LogCaptureFixture):
    now = [0.0]
    with caplog.at_level("INFO"):
        told = progress.DownloadProgress("model.onnx", 100_000_000, 20_000_000, clock=lambda: now[0])
        for _ in range(8):
            now[0] += 1
            told.add(10_000_000)
        told.end()
    lines = [(record.getMessage(), record.__dict__["fields"]) for record in caplog.records]
    assert [message for message, _ in lines] == [
        "Fetching model.onnx (100000000 bytes, resuming at 20000000)",
        "Fetching model.onnx: 70 %, 10.0 MB/s",
        "Fetched model.onnx in 8.0 s, 10.0 MB/s",
    ]
    assert lines[1][1] == {"file": "model.onnx", "percent": 70, "mb_per_second": 10.0}
