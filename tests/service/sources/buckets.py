"""Two buckets to fetch from: moto's S3, and as much of Cloud Storage's XML API as the client calls."""

import contextlib
import hashlib
import json
import random
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from tests.service.sources.front import Answer, Front, Request, error_xml

BUCKET = "models"
MODEL_BYTES = 1_500_000
TOKENIZER = b'{"a": "tokenizer"}'
# Ports nobody listens on: no test asks the metadata server of the machine it runs on.
NOWHERE = {"AWS_METADATA_ENDPOINT": "http://127.0.0.1:1", "GCE_METADATA_HOST": "127.0.0.1:1"}


@dataclass
class Bucket(ABC):
    scheme: str
    front: Front
    environ: dict[str, str]
    """What the client needs to find this bucket."""
    folders: int = 0

    @abstractmethod
    def put(self, key: str, content: bytes) -> str:
        """Store an object and return its version or generation."""

    def put_model(self, content: dict[str, bytes] | None = None, **manifest: Any) -> str:
        """Store a model in a new folder and return its MODEL_SOURCE. manifest: keys to change."""
        files = content or {"model.onnx": model_bytes(), "tokenizer.json": TOKENIZER}
        self.folders += 1
        folder = f"team/model-{self.folders}"
        for name, file in files.items():
            self.put(f"{folder}/{name}", file)
        pin = self.put(f"{folder}/manifest.json", json.dumps(manifest_of(files) | manifest).encode())
        return f"{self.scheme}://{BUCKET}/{folder}@{pin}"

    def put_folder(self, folder: Path) -> str:
        return self.put_model(
            {name: (folder / name).read_bytes() for name in ("model.onnx", "tokenizer.json")},
            labels=json.loads((folder / "manifest.json").read_text())["labels"],
        )


@cache
def model_bytes() -> bytes:
    return random.Random(7).randbytes(MODEL_BYTES)


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in files.items()
    }
    return {
        "name": "fetched",
        "version": "1.0.0",
        "task": "classify",
        "labels": ["ham", "spam"],
        "max_tokens": 64,
        "license": "Apache-2.0",
        "files": listed,
    }


class S3Bucket(Bucket):
    """moto behind the front."""

    def __init__(self, front: Front, moto: httpx.Client) -> None:
        environ = {
            "AWS_ENDPOINT_URL": front.url,
            "AWS_ACCESS_KEY_ID": "an-id",
            "AWS_SECRET_ACCESS_KEY": "a-secret-of-a-test",
            "AWS_REGION": "eu-central-1",
        }
        super().__init__("s3", front, NOWHERE | environ)
        self._moto = moto

    def put(self, key: str, content: bytes) -> str:
        # moto checks no signature, but lets only who has one overwrite.
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=an-id/20261121/eu-central-1/s3/aws4_request"}
        answer = self._moto.put(f"/{BUCKET}/{key}", content=content, headers=signed)
        return answer.headers["x-amz-version-id"]


class Forward:
    """Hands a request on to the real server."""

    def __init__(self, server: httpx.Client) -> None:
        self._server = server
        self._creating = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        url = f"{request.path}?{request.query}"
        # S3 creates what is not there in one step; moto looks first and then writes.
        creates = "if-none-match" in request.headers
        with self._creating if creates else contextlib.nullcontext():
            answer = self._server.request(request.method, url, headers=request.headers, content=request.body)
        kept = ("content-length", "content-range", "etag", "last-modified")
        headers = {n: v for n, v in answer.headers.items() if n in kept or n.startswith("x-amz-")}
        return Answer(answer.status_code, headers, answer.content)


@dataclass
class CloudStorage:
    """cloud.google.com/storage/docs/xml-api/get-object: GET and HEAD with `generation` and `Range`."""

    objects: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    """Key to its generations, oldest first."""
    token: str = ""
    """The bearer token to ask for; empty is a public bucket."""
    generation: int = 1_700_000_000_000_000

    def put(self, key: str, content: bytes) -> str:
        self.generation += 1
        self.objects.setdefault(key, {})[str(self.generation)] = content
        return str(self.generation)

    def __call__(self, request: Request) -> Answer:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, {}, error_xml("AuthenticationRequired"))
        bucket, _, key = request.path.removeprefix("/").partition("/")
        if bucket != BUCKET:
            return Answer(404, {}, error_xml("NoSuchBucket"))
        generations = self.objects.get(key, {})
        newest = list(generations)[-1] if generations else ""
        generation = parse_qs(request.query).get("generation", [newest])[0]
        if generation not in generations:
            return Answer(404, {}, error_xml("NoSuchKey"))
        return _part(generations[generation], generation, request.headers.get("range", ""))


def _part(content: bytes, generation: str, asked: str) -> Answer:
    headers = {
        "ETag": f'"{hashlib.md5(content).hexdigest()}"',
        "Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT",
        "x-goog-generation": generation,
    }
    if not asked:
        return Answer(200, headers | {"Content-Length": str(len(content))}, content)
    begin = int(asked.removeprefix("bytes=").removesuffix("-"))
    if begin >= len(content):
        return Answer(416, {}, error_xml("InvalidRange"))
    headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
    return Answer(206, headers, content[begin:])


class GcsBucket(Bucket):
    def __init__(self, front: Front, storage: CloudStorage) -> None:
        environ = {"GOOGLE_BASE_URL": front.url, "GOOGLE_SKIP_SIGNATURE": "true"}
        super().__init__("gs", front, NOWHERE | environ)
        self.storage = storage

    def put(self, key: str, content: bytes) -> str:
        return self.storage.put(key, content)
