"""As much of the Hugging Face Hub as its client calls to fetch a model: listing, files, redirects, refusals.

Paths, headers and error codes are the Hub's own: huggingface.co/docs/hub/api, and `utils/_http.py` and
`file_download.py` of the client.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.service.sources.front import Answer, Front, Request

TOKEN = "hf_a-token-of-a-test"
# Larger ones the Hub keeps outside of git, and answers for with a redirect to another host.
LARGE_BYTES = 10_000


@dataclass
class Repository:
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    branches: dict[str, str] = field(default_factory=dict[str, str])
    gated: bool = False

    def commit_of(self, revision: str) -> str | None:
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


@dataclass
class FakeHub:
    """Answers as a Front asks it to."""

    repositories: dict[str, Repository] = field(default_factory=dict[str, Repository])
    url: str = ""
    """Of the front, for redirects."""

    def put(self, repo: str, files: Mapping[str, bytes], branch: str = "main", gated: bool = False) -> str:
        """Add a commit to the branch and return its address."""
        repository = self.repositories.setdefault(repo, Repository())
        repository.gated = gated
        place = f"{repo} {branch} {len(repository.commits)}".encode()
        commit = hashlib.sha1(place, usedforsecurity=False).hexdigest()
        repository.commits[commit] = dict(files)
        repository.branches[branch] = commit
        return f"hf:{repo}@{commit}"

    def __call__(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        if parts[0] == "cdn":
            return self._from_cdn(request, "/".join(parts[1:3]), parts[3], "/".join(parts[4:]))
        if parts[:2] == ["api", "models"] and parts[4:5] == ["revision"]:
            return self._of(request, "/".join(parts[2:4]), "/".join(parts[5:]), None)
        if len(parts) >= 5 and parts[2] == "resolve":
            return self._of(request, "/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return Answer(404)

    def _of(self, request: Request, repo: str, revision: str, name: str | None) -> Answer:
        repository = self.repositories.get(repo)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in ("", TOKEN):
            return Answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        if repository is None:
            return Answer(401 if not token else 404, {"X-Error-Code": "RepoNotFound"})
        if repository.gated and token != TOKEN and name is not None:
            return Answer(401, {"X-Error-Code": "GatedRepo"})
        commit = repository.commit_of(revision)
        if commit is None:
            return Answer(404, {"X-Error-Code": "RevisionNotFound"})
        files = repository.commits[commit]
        if name is None:
            return Answer(200, {"Content-Type": "application/json"}, listing(repo, commit, files))
        if name not in files:
            return Answer(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        return self._file(request, repo, commit, name, files[name])

    def _file(self, request: Request, repo: str, commit: str, name: str, content: bytes) -> Answer:
        if len(content) <= LARGE_BYTES:
            return part(request, content, {"X-Repo-Commit": commit, "ETag": f'"{git_blob(content)}"'})
        headers = {
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            # Another name of the same machine, so that it is another host to the client.
            "Location": f"{self.url.replace('127.0.0.1', 'localhost')}/cdn/{repo}/{commit}/{name}",
        }
        return Answer(302, headers)

    def _from_cdn(self, request: Request, repo: str, commit: str, name: str) -> Answer:
        if "authorization" in request.headers:
            return Answer(400)
        return part(request, self.repositories[repo].commits[commit][name], {})


def listing(repo: str, commit: str, files: Mapping[str, bytes]) -> bytes:
    siblings = [described(name, content) for name, content in files.items()]
    return json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode()


def described(name: str, content: bytes) -> dict[str, Any]:
    known = {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
    if len(content) <= LARGE_BYTES:
        return known
    digest = hashlib.sha256(content).hexdigest()
    return known | {"lfs": {"sha256": digest, "size": len(content), "pointerSize": 134}}


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def part(request: Request, content: bytes, headers: dict[str, str]) -> Answer:
    asked = request.headers.get("range", "")
    if not asked:
        return Answer(200, headers, content)
    begin = int(asked.removeprefix("bytes=").removesuffix("-"))
    headers = headers | {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
    return Answer(206, headers, content[begin:])


def front_of(hub: FakeHub) -> Front:
    return Front(hub)
