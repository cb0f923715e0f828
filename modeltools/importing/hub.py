"""A model repository on the Hub at one commit: its listing, and its files in the Hub's cache, each verified.

The cache is the one that every Hugging Face tool shares (HF_HUB_CACHE); only this module calls the Hub's
client.
"""

import hashlib
import io
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import RevisionNotFoundError
from tqdm import tqdm

from slipway.service.faults import BadModel, BadSettings, DiskFull, ModelNotFound
from slipway.service.printable import printable

from .address import HubAddress
from .failures import cut, fault_of, write_fault

LISTING_SECONDS = 30
PROGRESS_SECONDS = 5.0
_Tqdm: Any = tqdm  # generic in its stubs only
# The first may be a damaged one that another tool left in the cache.
DOWNLOADS = 2


@dataclass(frozen=True, slots=True)
class HubFile:
    bytes: int
    sha256: str
    """Empty for a small file, which git holds itself."""
    git_blob: str
    """Git's hash of the content; of a large file, of the pointer to it."""


@dataclass(frozen=True, slots=True)
class Listing:
    commit: str
    files: Mapping[str, HubFile]


class Hub:
    """The Hub. Each method raises a StartFault if the Hub, the network or the disk does not allow it."""

    def __init__(
        self, token: str | None = None, endpoint: str | None = None, cache_dir: Path | None = None
    ) -> None:
        """Prepare a client.

        token: None takes HF_TOKEN, or that of `hf auth login`. endpoint: None takes HF_ENDPOINT.
        """
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        if not self.endpoint.startswith(("http://", "https://")):
            raise BadSettings(f"HF_ENDPOINT: got {self.endpoint!r}; allowed: http:// or https:// and a host.")
        self._api: Any = HfApi(endpoint=self.endpoint, token=token)  # its types are partly unknown
        self._cache_dir = cache_dir or Path(constants.HF_HUB_CACHE)

    def pinned(self, address: HubAddress) -> Listing:
        """Return the listing of the commit; refuse a branch or a tag, naming the commit that it points to."""
        listing = self._listing(address)
        if not address.is_pinned:
            raise BadSettings(
                f"{address} names a branch or a tag, which can be moved to other weights; pin a commit: "
                f"{address.at(listing.commit)} is where it points now."
            )
        if listing.commit != address.revision:
            raise BadModel(f"{address}: {self.endpoint} answered with commit {listing.commit}.")
        return listing

    def fetched(self, address: HubAddress, name: str, expected: HubFile) -> Path:
        """Return a file in the cache, downloaded if needed and always verified against the listing's hash.

        A wrong file is downloaded once more; then BadModel is raised.
        """
        found = ""
        for download in range(DOWNLOADS):
            path = self._download(address, name, force=download > 0)
            found = _digest(path, expected)
            if found == (expected.sha256 or expected.git_blob):
                return path
            self._delete(path)
        raise BadModel(
            f"{address}: {name} came with hash {found}; the Hub lists "
            f"{expected.sha256 or expected.git_blob}. It was deleted; something between here and the Hub "
            "changes files."
        )

    def _delete(self, path: Path) -> None:
        """Delete the file and the content that it links to, if that is in the cache."""
        content = path.resolve()
        path.unlink(missing_ok=True)
        if content.is_relative_to(self._cache_dir.resolve()):
            content.unlink(missing_ok=True)

    def check_room(self, address: HubAddress, files: Mapping[str, HubFile]) -> None:
        """Raise DiskFull before a download that cannot fit. Files that are in the cache need no space."""
        folder = self._snapshot(address)
        needed = sum(file.bytes for name, file in files.items() if not (folder / name).exists())
        there = next(path for path in (self._cache_dir, *self._cache_dir.parents) if path.exists())
        free = shutil.disk_usage(there).free
        if needed > free:
            raise DiskFull(
                f"{address} needs {needed / 1e6:.1f} MB more in {self._cache_dir}, which has "
                f"{free / 1e6:.1f} MB free. Make room there, or set HF_HUB_CACHE to a larger place."
            )

    def _listing(self, address: HubAddress) -> Listing:
        try:
            with self._told(address):
                info = self._api.model_info(
                    address.repo, revision=address.revision, files_metadata=True, timeout=LISTING_SECONDS
                )
                files = {
                    sibling.rfilename: HubFile(
                        int(sibling.size or 0),
                        sibling.lfs.sha256 if sibling.lfs else "",
                        sibling.blob_id or "",
                    )
                    for sibling in info.siblings or ()
                }
        except RevisionNotFoundError:
            raise ModelNotFound(self._no_revision(address)) from None
        return Listing(info.sha or "", files)

    def _no_revision(self, address: HubAddress) -> str:
        if address.revision == "main":
            return f"{address}: the repository has no branch main. Pin a commit: hf:{address.repo}@<commit>."
        main = self._listing(address.at("main"))
        return (
            f"{address}: the repository has no such revision (any more). Its main is at {main.commit}: "
            f"{address.at(main.commit)}, if that is the model you mean."
        )

    def _download(self, address: HubAddress, name: str, force: bool) -> Path:
        with self._told(address, name):
            return Path(
                self._api.hf_hub_download(
                    address.repo,
                    name,
                    revision=address.revision,
                    cache_dir=self._cache_dir,
                    force_download=force,
                    tqdm_class=_Bar,
                )
            )

    def _snapshot(self, address: HubAddress) -> Path:
        owner, _, name = address.repo.partition("/")
        return self._cache_dir / f"models--{owner}--{name}" / "snapshots" / address.revision

    @contextmanager
    def _told(self, address: HubAddress, name: str = "") -> Generator[None]:
        try:
            yield
        except RevisionNotFoundError:
            raise
        except Exception as error:
            if fault := fault_of(error, address, self.endpoint):
                raise fault from None
            if not isinstance(error, OSError):
                raise
            if error.errno is None:  # the client's own check of the size
                raise cut(address, self.endpoint, name) from None
            raise write_fault(self._cache_dir, error) from None


def _digest(path: Path, expected: HubFile) -> str:
    """Return the SHA-256 of a large file, and git's hash of a small one."""
    with path.open("rb") as file:
        if expected.sha256:
            return hashlib.file_digest(file, "sha256").hexdigest()
        content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Bar(_Tqdm):
    """Progress as lines, every few seconds, because the log of a build cannot rewrite a line."""

    monitor_interval = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options |= {
            "mininterval": PROGRESS_SECONDS,
            "miniters": 1,
            "delay": PROGRESS_SECONDS,
            "file": _Lines(),
        }
        super().__init__(*arguments, **options)  # pyright: ignore[reportUnknownMemberType] - as above


class _Lines(io.TextIOBase):
    def write(self, text: str) -> int:
        if line := text.strip():
            print(printable(line), file=sys.stderr, flush=True)
        return len(text)
