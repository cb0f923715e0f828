"""Batches over files in a bucket: moto's S3 behind a front that can fail."""

import logging

import pytest

from tests.service.batch.running import batch
from tests.service.sources.buckets import BUCKET, S3Bucket
from tests.service.sources.conftest import use


def stored(s3: S3Bucket, name: str) -> str:
    from slipway.service.batch.places import place_of

    content = place_of(f"s3://{BUCKET}/scores").read(name)
    assert content is not None
    return content.decode()


def test_files_below_a_prefix_are_scored_into_another(s3: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    use(s3, monkeypatch)
    s3.put("rows/a.csv", b"id,text\n1,WINNER!! cash prize call now\n2,lunch tomorrow?\n")
    s3.put("rows/b.csv", b"id,text\n3,see you\n")
    given = {"BATCH_PART_ROWS": "2", "BATCH_KEEP": '["id"]'}
    assert batch(f"s3://{BUCKET}/rows/", f"s3://{BUCKET}/scores", **given) == 0
    assert stored(s3, "part-00000-of-00002.csv").splitlines()[0] == "row,id,label,proba,truncated"
    assert stored(s3, "part-00001-of-00002.csv").splitlines()[1].startswith("3,3,")
    assert batch(f"s3://{BUCKET}/rows/", f"s3://{BUCKET}/scores", **given) == 0
    s3.put("rows/b.csv", b"id,text\n3,see you!\n")
    assert batch(f"s3://{BUCKET}/rows/", f"s3://{BUCKET}/scores", **given) == 2


def test_a_bucket_that_does_not_exist_is_refused(
    s3: S3Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(s3, monkeypatch)
    with caplog.at_level(logging.ERROR):
        assert batch("s3://no-such-bucket/rows/", f"s3://{BUCKET}/scores-of-none") == 2
    assert "There is no bucket s3://no-such-bucket" in caplog.text


def test_a_bucket_that_does_not_answer_ends_the_batch_for_now(
    s3: S3Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(s3, monkeypatch, BATCH_RETRY_SECONDS="1", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    with caplog.at_level(logging.ERROR):
        assert batch(f"s3://{BUCKET}/rows/", f"s3://{BUCKET}/scores") == 1
    assert "cannot be reached" in caplog.text
