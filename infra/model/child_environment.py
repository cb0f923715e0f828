"""Builds environments for programs that open untrusted models: from nothing, not from the caller's.

The caller's may hold passphrases and cloud keys, which a model does not need. The user's own programs,
such as git, Docker, pulumi and the clouds' command lines, get all of it, because it contains their logins.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from slipway.components.checkout import IMPORT_PATH, ROOT

# Where libraries and devices are found, and how many threads compute:
# docs.pytorch.org/docs/stable/torch_environment_variables.html.
_TO_COMPUTE = ("LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")
_TO_COMPUTE_PREFIXES = ("CUDA_", "HIP_", "ROCR_", "TORCH_", "PYTORCH_", "OMP_", "MKL_", "OPENBLAS_")
# What the Hub's client takes: huggingface.co/docs/huggingface_hub/package_reference/environment_variables;
# the proxies and certificates are those of its HTTP client.
_FOR_THE_HUB = (
    *("PATH", "HOME", "XDG_CACHE_HOME", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_CACHE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
_FOR_THE_HUB_PREFIXES = ("HF_", "TRANSFORMERS_")
_PLAIN: Mapping[str, str] = {"PATH": os.defpath, "LANG": "C.UTF-8"}


def offline_environment(home: Path) -> dict[str, str]:
    """Return what a program has that opens models lying here. home: a folder for its own."""
    return {**_of_the_caller(_TO_COMPUTE, _TO_COMPUTE_PREFIXES), **_PLAIN, "HOME": str(home)}


def hub_environment() -> dict[str, str]:
    """Return what a program has that fetches models: the Hub's token and cache, proxies, certificates."""
    names = (*_TO_COMPUTE, *_FOR_THE_HUB)
    return {**_PLAIN, **_of_the_caller(names, (*_TO_COMPUTE_PREFIXES, *_FOR_THE_HUB_PREFIXES))}


def package_path(folder: Path) -> str:
    """Return the path on which an interpreter without Slipway finds it, and nothing of this environment.

    folder: a temporary one, which gets a link to an installed Slipway.
    """
    if IMPORT_PATH:
        return os.pathsep.join(IMPORT_PATH)
    (folder / "packages").mkdir(exist_ok=True)
    (folder / "packages" / "slipway").symlink_to(ROOT)
    return str(folder / "packages")


def _of_the_caller(names: tuple[str, ...], prefixes: tuple[str, ...]) -> dict[str, str]:
    """Proxies are written in small letters too."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.upper() in names or name.startswith(prefixes)
    }
