"""Explains a failed call of the Hub's client in plain words. Shows no URL, because one can be signed."""

import errno
from pathlib import Path

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    XetDownloadError,
)

from slipway.service.faults import (
    BadModel,
    BadSettings,
    DiskFull,
    ModelAccessDenied,
    ModelNotFound,
    ModelSourceUnavailable,
    StartFault,
)

from .address import HubAddress

_FULL = {errno.ENOSPC, errno.EDQUOT}
_HOW_TO_AUTHENTICATE = (
    "set HF_TOKEN, or name a file that holds one with --token-file (in an image's build: "
    "--secret id=hf_token,src=<file>)"
)


def fault_of(error: Exception, address: HubAddress, endpoint: str) -> StartFault | None:
    """Return the fault for an error of the Hub or the network; None for any other."""
    # The client's words for "not in the cache, and could not be fetched"; the cause says why.
    if isinstance(error, LocalEntryNotFoundError | ValueError) and isinstance(error.__cause__, Exception):
        return fault_of(error.__cause__, address, endpoint)
    if isinstance(error, HfHubHTTPError):
        return _answered(error, address, endpoint)
    if isinstance(error, OfflineModeIsEnabled):
        return BadSettings(f"{address}: HF_HUB_OFFLINE is set, so the Hub is not asked; unset it.")
    if isinstance(error, FileMetadataError | ValueError | KeyError | TypeError):
        return BadSettings(
            f"{address}: {endpoint} does not answer as a Hugging Face Hub does ({_first_line(error)}). "
            "Correct HF_ENDPOINT, or the proxy in between."
        )
    if isinstance(error, httpx2.HTTPError | XetDownloadError | LocalEntryNotFoundError):
        return _unavailable(address, endpoint, _first_line(error) or type(error).__name__)
    return None


def write_fault(path: Path, error: OSError) -> StartFault:
    """Return the fault for a file or folder that cannot be written."""
    if error.errno in _FULL:
        return DiskFull(f"no room is left for {path}. Make room there, or name another place.")
    return BadSettings(f"{path} cannot be written ({error.strerror or error}). Name another place.")


def cut(address: HubAddress, endpoint: str, name: str) -> StartFault:
    return _unavailable(address, endpoint, f"{name} ended early")


def _answered(error: HfHubHTTPError, address: HubAddress, endpoint: str) -> StartFault:
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return ModelAccessDenied(
            f"{address} is gated: its owner grants access to each account, and this request came without a "
            f"token of one that has it (HTTP {status}). Ask for access on {endpoint}/{address.repo}, then "
            f"{_HOW_TO_AUTHENTICATE}."
        )
    if isinstance(error, DisabledRepoError):
        return ModelNotFound(f"{address}: the Hub has disabled this repository. Choose another model.")
    if isinstance(error, RepositoryNotFoundError):
        return ModelNotFound(
            f"{address}: {endpoint} has no model repository {address.repo}, or does not show it to this "
            f"account (HTTP {status}). Correct the name; for a private one {_HOW_TO_AUTHENTICATE}."
        )
    if isinstance(error, RemoteEntryNotFoundError):
        return BadModel(f"{address} lists a file that is not there (HTTP {status}).")
    if status in (401, 403):
        return ModelAccessDenied(
            f"{address}: the token was refused (HTTP {status}). Give one that may read the repository: "
            f"{_HOW_TO_AUTHENTICATE}."
        )
    return _unavailable(address, endpoint, f"HTTP {status}")


def _unavailable(address: HubAddress, endpoint: str, words: str) -> StartFault:
    return ModelSourceUnavailable(
        f"{address} could not be fetched from {endpoint}: {words}. Check the network, HF_ENDPOINT and the "
        "state of the Hub, and run it again: files that were fetched whole are kept."
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
