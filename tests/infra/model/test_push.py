"""`slipway model push`, against moto's S3 and a local Cloud Storage, read back by the server's own client."""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import yaml

from slipway.components.model import model_folder
from slipway.infra.errors import Failed, SlipwayError
from slipway.infra.model.bucket import bucket_folder
from slipway.infra.model.push import NOTE, Push, destination, push
from slipway.service.sources.address import Address
from slipway.service.sources.model import BucketModel
from tests.checkout import ROOT
from tests.conftest import write_stack
from tests.infra.command import refused, report, slipway
from tests.infra.model.cloud_storage import WritableCloudStorage
from tests.service.sources.buckets import BUCKET, Bucket, Forward, GcsBucket, S3Bucket
from tests.service.sources.conftest import use, versioned_s3
from tests.service.sources.fetching import fetched
from tests.service.sources.front import Answer, Fault, Front, Request, error_xml, serving

LARGE_BYTES = 20 << 20
# docs.rs/object_store, gcp: an emulator's key. A client that uploads always wants one.
NO_OAUTH = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
DEV = {"target": "cloud-run", "project": "acme-ml", "region": "us-central1", "memory": "1Gi"}


@pytest.fixture(scope="module")
def moto() -> Iterator[httpx.Client]:
    with versioned_s3() as client:
        yield client


@pytest.fixture(params=["s3", "gs"])
def bucket(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Bucket]:
    """Each of the two, for the client of this process and for the command; nobody's own login is found."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if request.param == "s3":
        moto: httpx.Client = request.getfixturevalue("moto")
        with serving(Front(Forward(moto))) as front:
            found: Bucket = S3Bucket(front, moto)
            use(found, monkeypatch)
            yield found
    else:
        storage = WritableCloudStorage()
        with serving(Front(storage)) as front:
            found = GcsBucket(front, storage)
            use(found, monkeypatch, GOOGLE_SERVICE_ACCOUNT_KEY=json.dumps(NO_OAUTH))
            yield found


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Make a model with a file of more than one part."""
    folder = Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "models/mine"))
    (folder / "table.dat").write_bytes(b"0" * LARGE_BYTES)
    listed(folder, "table.dat")
    return folder


def listed(folder: Path, name: str) -> None:
    """Let the manifest describe the file as it is."""
    content = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def place(bucket: Bucket, request: pytest.FixtureRequest) -> str:
    """Return a folder that no other test uses."""
    return f"{bucket.scheme}://{BUCKET}/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"


def pushed(folder: Path, place: str) -> Push:
    model = model_folder("push", f"file:{folder}", None)
    return push(model, bucket_folder(destination(place)), lambda _text: None)


def failure(folder: Path, place: str) -> str:
    with pytest.raises(SlipwayError) as failed:
        pushed(folder, place)
    return str(failed.value)


def uploads(bucket: Bucket) -> list[str]:
    """Return the objects that were written, in this order; the parts of one count once."""
    names = [request.name for request in bucket.front.requests if request.method == "PUT"]
    return list(dict.fromkeys(name for name in names if name != NOTE))


def test_the_server_fetches_what_was_pushed_by_the_pin(
    bucket: Bucket, place: str, mine: Path, tmp_path: Path
) -> None:
    done = pushed(mine, place)
    assert done.address.startswith(f"{place}@")
    found = asyncio.run(fetched(BucketModel(Address.parse(done.address), tmp_path / "cache")))
    for name in ("model.onnx", "tokenizer.json", "table.dat"):
        assert (found / name).read_bytes() == (mine / name).read_bytes()
    assert uploads(bucket)[-1] == "manifest.json"
    assert set(done.sent) == {"model.onnx", "tokenizer.json", "table.dat"}
    assert "README.md" not in uploads(bucket)


def test_what_is_there_is_not_sent_again(bucket: Bucket, place: str, mine: Path) -> None:
    first = pushed(mine, place)
    before = len(uploads(bucket))
    again = pushed(mine, place)
    assert (again.address, again.sent) == (first.address, ())
    assert set(again.kept) == set(first.sent)
    assert len(uploads(bucket)) == before


def test_an_interrupted_push_goes_on_where_it_stopped(bucket: Bucket, place: str, mine: Path) -> None:
    bucket.front.faults.append(Fault("tokenizer.json", method="HEAD", status=403))
    assert "you may not read" in failure(mine, place)
    assert "manifest.json" not in uploads(bucket)
    done = pushed(mine, place)
    assert done.kept == ("model.onnx",)
    assert set(done.sent) == {"tokenizer.json", "table.dat"}


def test_a_store_that_fails_for_a_moment_is_asked_again(bucket: Bucket, place: str, mine: Path) -> None:
    bucket.front.faults.append(Fault("model.onnx", method="PUT", status=503, times=2))
    assert "model.onnx" in pushed(mine, place).sent


def test_another_model_needs_another_folder(bucket: Bucket, place: str, mine: Path) -> None:
    first = pushed(mine, place)
    (mine / "tokenizer.json").write_text("{}")
    listed(mine, "tokenizer.json")
    said = failure(mine, place)
    assert f"{place} holds another model or version than sms-spam-1.0.0+" in said
    suggested = said.partition("such as ")[2].rstrip(".")
    assert pushed(mine, suggested).address != first.address
    assert bucket_folder(destination(place)).stat("tokenizer.json")


def test_a_push_of_another_model_to_the_same_folder_meanwhile_is_refused(
    bucket: Bucket, place: str, mine: Path, tmp_path: Path
) -> None:
    """The first one was interrupted, or still runs."""
    bucket.front.faults.append(Fault("table.dat", method="HEAD", status=403))
    failure(mine, place)
    other = Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "other"))
    before = uploads(bucket)
    said = failure(other, place)
    assert f"Another model is being uploaded to {place} since 20" in said
    assert f"delete {place}/{NOTE}" in said
    assert uploads(bucket) == before


def test_two_pushes_of_the_same_model_at_once_give_one_pin(bucket: Bucket, place: str, mine: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(pushed, (mine, mine), (place, place))
    assert first.address == second.address


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_file_that_changes_during_the_push_is_noticed(
    name: str, bucket: Bucket, place: str, mine: Path
) -> None:
    """It changes after it was compared with the manifest, and before it is uploaded."""
    answer: Callable[[Request], Answer] = bucket.front.answer

    def changing(request: Request) -> Answer:
        if request.method == "HEAD" and request.name == "model.onnx":
            content = bytearray((mine / name).read_bytes())
            content[-1] ^= 1
            (mine / name).write_bytes(content)
        return answer(request)

    bucket.front.answer = changing
    assert f"{name} changed while" in failure(mine, place)
    bucket.front.answer = answer
    folder = bucket_folder(destination(place))
    assert folder.stat("manifest.json") is None
    assert (folder.stat("model.onnx") is None) == (name == "model.onnx")


@pytest.mark.parametrize(
    ("method", "status", "said"),
    [
        ("PUT", 403, "you may not create"),
        ("HEAD", 403, "you may not read"),
        ("PUT", 401, "you may not create"),
    ],
)
def test_a_bucket_of_others_is_refused_with_what_its_owner_grants(
    method: str, status: int, said: str, bucket: Bucket, place: str, mine: Path
) -> None:
    answer = bucket.front.answer
    denied = Answer(status, {}, error_xml("AccessDenied"))
    bucket.front.answer = lambda request: denied if request.method == method else answer(request)
    message = failure(mine, place)
    assert said in message
    owner = "another project" if bucket.scheme == "gs" else "another account"
    assert f"If the bucket belongs to {owner}, its owner must grant that." in message
    assert ("storage.objects.create" if bucket.scheme == "gs" else "s3:PutObject") in message


def test_a_bucket_that_does_not_exist_is_named(bucket: Bucket, mine: Path) -> None:
    said = failure(mine, f"{bucket.scheme}://no-such-bucket/spam")
    assert f"There is no bucket {bucket.scheme}://no-such-bucket." in said


def test_a_store_that_does_not_answer_is_a_sentence(
    bucket: Bucket, place: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "GOOGLE_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    said = failure(mine, place)
    assert "could not read" in said
    assert "push again to go on" in said


def test_a_bucket_of_s3_without_versions_is_refused_before_anything_large_is_sent(
    moto: httpx.Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto.put("/plain")
    with serving(Front(Forward(moto))) as front:
        use(S3Bucket(front, moto), monkeypatch)
        said = failure(mine, "s3://plain/spam")
        assert "s3://plain keeps no versions" in said
        assert "aws s3api put-bucket-versioning --bucket plain" in said
        assert {request.name for request in front.requests if request.method == "PUT"} == {NOTE}


@pytest.mark.parametrize(
    ("scheme", "program", "answer"),
    [
        ("gs", "gcloud", "echo a-token-of-gcloud"),
        (
            "s3",
            "aws",
            'case "$*" in *region*) echo eu-west-3;; *) echo \'{"AccessKeyId": "ID-OF-A-PROFILE", '
            '"SecretAccessKey": "a-secret", "Version": 1}\';; esac',
        ),
    ],
)
def test_the_login_of_the_clouds_own_command_is_used(
    scheme: str, program: str, answer: str, moto: httpx.Client, mine: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / program).write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "bin" / program).chmod(0o755)
    storage = WritableCloudStorage(token="a-token-of-gcloud")
    with serving(Front(storage if scheme == "gs" else Forward(moto))) as front:
        use(GcsBucket(front, storage) if scheme == "gs" else S3Bucket(front, moto), monkeypatch)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "GOOGLE_SKIP_SIGNATURE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
        assert pushed(mine, f"{scheme}://{BUCKET}/by-{program}").sent
        given = front.requests[0].headers["authorization"]
    assert "a-token-of-gcloud" in given or ("ID-OF-A-PROFILE" in given and "eu-west-3" in given)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("models/spam", "it is gs://<bucket>/<folder> or s3://<bucket>/<folder>"),
        ("gs://models", "it is gs://<bucket>/<folder> or s3://<bucket>/<folder>"),
        ("gs://models/a b", "it is gs://<bucket>/<folder>"),
        ("gs://models/spam@12", "leave `@12` out"),
    ],
)
def test_an_address_that_names_no_folder_is_refused(address: str, said: str, project: Path) -> None:
    assert said in refused(project, "model", "push", "bundled:sms-spam", address)


def test_a_folder_that_is_not_all_here_is_not_pushed(bucket: Bucket, place: str, mine: Path) -> None:
    content = bytearray((mine / "table.dat").read_bytes())
    content[0] ^= 1
    (mine / "table.dat").write_bytes(content)
    assert "manifest.json has another sha256 of table.dat" in failure(mine, place)
    assert uploads(bucket) == []


def test_the_command_sets_the_model_of_a_stack_and_nothing_else(
    bucket: Bucket, place: str, project: Path, mine: Path
) -> None:
    file = project / "Pulumi.dev.yaml"
    write_stack(project, {**DEV, "model": "bundled:sms-spam"}, "dev")
    file.write_text(f"# ours\n{file.read_text()}  slipway:labels: {{team: ml}} # kept\n")
    before = yaml.safe_load(file.read_text())
    done = slipway(project, "model", "push", str(mine), place, "--stack", "dev", **os.environ)
    assert done.returncode == 0, done.stderr
    after = yaml.safe_load(file.read_text())
    address = after["config"].pop("slipway:model")
    assert before["config"].pop("slipway:model") == "bundled:sms-spam"
    assert after == before
    assert f"model: {address}\n" in done.stdout
    assert file.read_text().startswith("# ours\n")
    assert "{team: ml} # kept" in file.read_text()
    more = ("--stack", "dev", "--format", "json")
    again = json.loads(slipway(project, "model", "push", str(mine), place, *more, **os.environ).stdout)
    assert (again["model"], again["sent"], again["stack"]) == (address, [], "dev")
    shown = report(project, "preview", "dev")["stacks"][0]
    assert any(finding["title"].startswith("not checked") for finding in shown["findings"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target": "local"}, "Stack dev is local, which reads its model from a folder: omit --stack"),
        ({**DEV, "memory": "lots"}, "memory: got 'lots'"),
        (None, "There is no stack 'dev'"),
    ],
)
def test_a_stack_that_cannot_take_the_model_is_refused_before_anything_is_sent(
    settings: dict[str, str] | None, said: str, bucket: Bucket, place: str, project: Path, mine: Path
) -> None:
    if settings:
        write_stack(project, settings, "dev")
    assert said in refused(project, "model", "push", str(mine), place, "--stack", "dev")
    assert bucket.front.requests == []


def test_a_stack_file_in_another_form_is_left_as_it_is(
    bucket: Bucket, place: str, project: Path, mine: Path
) -> None:
    text = "config: {'slipway:target': cloud-run, 'slipway:project': acme-ml, 'slipway:region': us-east1}\n"
    (project / "Pulumi.dev.yaml").write_text(text)
    said = refused(project, "model", "push", str(mine), place, "--stack", "dev", **os.environ)
    assert "`pulumi config set model '" in said
    assert (project / "Pulumi.dev.yaml").read_text() == text


def test_a_failed_push_is_no_refusal_for_programs(bucket: Bucket, place: str, mine: Path) -> None:
    """Exit code 1: part of the work is done, and it is to be repeated."""
    bucket.front.faults.append(Fault("model.onnx", method="PUT", status=500, times=99))
    with pytest.raises(Failed, match="push again to go on"):
        pushed(mine, place)
