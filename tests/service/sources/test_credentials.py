"""Credentials come from where the platform puts them: nothing but the role is configured."""

import json
from pathlib import Path

import pytest

from tests.service.sources.buckets import GcsBucket, S3Bucket
from tests.service.sources.conftest import use
from tests.service.sources.fetching import fetch
from tests.service.sources.front import Answer, Fault, Front, Request, serving

CREDENTIALS = {
    "AccessKeyId": "ID-OF-A-ROLE",
    "SecretAccessKey": "a-secret-of-a-role",
    "Token": "a-token-of-a-role",
    "Expiration": "2099-01-01T00:00:00Z",
}


def give_credentials(request: Request) -> Answer:
    return Answer(200, {}, json.dumps(CREDENTIALS).encode())


def give_token(request: Request) -> Answer:
    if request.headers.get("metadata-flavor") != "Google":
        return Answer(403)
    token = {"access_token": "a-token-of-a-service-account", "expires_in": 3599, "token_type": "Bearer"}
    return Answer(200, {}, json.dumps(token).encode())


def instance_metadata(request: Request) -> Answer:
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html, version 2."""
    if request.path == "/latest/api/token":
        return Answer(200, {}, b"a-session")
    if request.headers.get("x-aws-ec2-metadata-token") != "a-session":
        return Answer(401)
    folder = "/latest/meta-data/iam/security-credentials/"
    return Answer(200, {}, b"a-role") if request.path == folder else give_credentials(request)


def test_a_service_account_of_the_metadata_server(
    gs: GcsBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    gs.storage.token = "a-token-of-a-service-account"
    with serving(Front(give_token)) as metadata:
        host = metadata.url.removeprefix("http://")
        use(gs, monkeypatch, GCE_METADATA_HOST=host, GOOGLE_SKIP_SIGNATURE="false")
        assert (fetch(gs.put_model(), tmp_path) / "model.onnx").exists()


@pytest.mark.parametrize("platform", ["EKS pod", "EC2 instance"])
def test_a_role(s3: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str):
    token_file = tmp_path / "token"
    token_file.write_text("a-token-of-a-pod")
    with serving(Front(instance_metadata if platform == "EC2 instance" else give_credentials)) as metadata:
        use(s3, monkeypatch)
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        if platform == "EC2 instance":
            monkeypatch.setenv("AWS_METADATA_ENDPOINT", metadata.url)
        else:
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{metadata.url}/v1/credentials")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token_file))
        assert (fetch(s3.put_model(), tmp_path / "cache") / "model.onnx").exists()
    signed = s3.front.gets("model.onnx")[0].headers
    assert "ID-OF-A-ROLE" in signed["authorization"]
    assert signed["x-amz-security-token"] == "a-token-of-a-role"


def test_a_metadata_server_that_needs_a_moment(s3: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with serving(Front(instance_metadata)) as metadata:
        metadata.faults = [Fault("a-role", status=503)]
        use(s3, monkeypatch, AWS_METADATA_ENDPOINT=metadata.url)
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        assert (fetch(s3.put_model(), tmp_path) / "model.onnx").exists()
        assert len(metadata.gets("a-role")) == 2
