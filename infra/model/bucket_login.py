"""Opens a bucket with the person's own login: what the client finds by itself, else `aws`'s or `gcloud`'s."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.components.model_address import ModelAddress, Source
from slipway.infra.errors import Refused
from slipway.infra.targets.cloud_cli import Command

if TYPE_CHECKING:
    from obstore.store import GCSStore, S3Store

_ENDPOINTS = {
    Source.AMAZON: ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    Source.GOOGLE: ("GOOGLE_BASE_URL",),
}
# Names by which the client finds an identity: docs.rs/object_store, AmazonS3ConfigKey and GoogleConfigKey.
_IDENTITIES = {
    Source.AMAZON: (
        "AWS_ACCESS_KEY_ID",
        "AWS_SKIP_SIGNATURE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    Source.GOOGLE: (
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SKIP_SIGNATURE",
    ),
}
_AWS = Command("aws", "`aws` is not on PATH.")
_GCLOUD = Command("gcloud", "`gcloud` is not on PATH.")
# A command is asked again after this long; what it returns is valid for longer.
_KEEP = timedelta(minutes=10)


def store_of(address: ModelAddress) -> "S3Store | GCSStore":
    """Return a client of the address's bucket. Raises Refused for settings that it cannot use."""
    from obstore.exceptions import BaseError
    from obstore.store import GCSStore, S3Store

    source = address.source
    assert source in _ENDPOINTS
    options: dict[str, Any] = {
        "client_options": {
            "allow_http": _endpoint(source).startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(hours=1),  # of one part, on a slow line
        },
        "retry_config": {"max_retries": 5, "retry_timeout": timedelta(minutes=5)},
        **_provider(source),
    }
    try:
        if source is Source.GOOGLE:
            return GCSStore(address.bucket, **options)
        return S3Store(address.bucket, checksum_algorithm="SHA256", **_region(), **options)
    except BaseError as error:
        words = str(error).partition("\n\n")[0][:300]
        raise Refused(f"{source.value}{address.bucket}: the client's settings are faulty: {words}.") from None


def _endpoint(source: Source) -> str:
    found = next((os.environ[name] for name in _ENDPOINTS[source] if os.environ.get(name)), "")
    if found and not found.startswith(("http://", "https://")):
        raise Refused(
            f"{_ENDPOINTS[source][-1]} is {found[:100]!r}; it must be http:// or https://, and a host."
        )
    return found


def _provider(source: Source) -> dict[str, Any]:
    """Return the command's login as the client's, if the client has no other and the command is here."""
    if any(os.environ.get(name) for name in _IDENTITIES[source]):
        return {}
    if source is Source.AMAZON and shutil.which(_AWS.name):
        found = _aws_credentials
    elif source is Source.GOOGLE and shutil.which(_GCLOUD.name) and not _google_default().is_file():
        found = _google_token
    else:
        return {}
    found()  # a refusal inside the client would come out in the client's words
    return {"credential_provider": found}


def _google_default() -> Path:
    """Return where `gcloud auth application-default login` leaves its credentials."""
    folder = os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud"
    return Path(folder) / "application_default_credentials.json"


def _region() -> dict[str, str]:
    """Return the region that `aws configure` has, if no variable names one."""
    if os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or not shutil.which(_AWS.name):
        return {}
    region = _AWS(["configure", "get", "region"]).stdout.strip()
    return {"region": region} if region else {}


def _aws_credentials() -> Any:
    """Ask `aws`, which knows profiles and single sign-on."""
    done = _AWS(["configure", "export-credentials", "--format", "process"])
    if done.returncode:
        raise Refused(
            "Nobody is logged in to AWS, or `aws` is older than 2.9: run `aws sso login` or `aws configure`, "
            f"or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. {_AWS.said(done)}"
        )
    found = json.loads(done.stdout)
    return {
        "access_key_id": found["AccessKeyId"],
        "secret_access_key": found["SecretAccessKey"],
        "token": found.get("SessionToken"),
        "expires_at": datetime.now(UTC) + _KEEP,
    }


def _google_token() -> Any:
    done = _GCLOUD(["auth", "print-access-token"])
    if done.returncode:
        raise Refused(
            "Nobody is logged in to Google Cloud: run `gcloud auth login`, or set "
            f"GOOGLE_APPLICATION_CREDENTIALS. {_GCLOUD.said(done)}"
        )
    return {"token": done.stdout.strip(), "expires_at": datetime.now(UTC) + _KEEP}
