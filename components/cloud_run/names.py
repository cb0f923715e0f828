"""Names of what belongs to one service. Pure: the same service always gets the same ones."""

import hashlib

from .limits import ACCOUNT_ID

_HASH_DIGITS = 8
_LONGEST = 30


def account_id(name: str) -> str:
    """The service account's: the service's own name where it fits 6 to 30 characters, else with a hash."""
    if ACCOUNT_ID.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{name[: _LONGEST - _HASH_DIGITS - 1].rstrip('-')}-{digest}"


def console_url(project: str, region: str, name: str) -> str:
    return f"https://console.cloud.google.com/run/detail/{region}/{name}/metrics?project={project}"


def logs_command(project: str, region: str, name: str) -> str:
    return f"gcloud beta run services logs tail {name} --project {project} --region {region}"


def curl(url: str, public: bool) -> str:
    """A call to print. Cloud Run takes `Authorization` of a private service for its own token unless that
    comes in `X-Serverless-Authorization`; the key is in `$API_KEY`.

    Source: cloud.google.com/run/docs/authenticating/service-to-service
    """
    lines = [f"curl {url}/predict", '-H "Authorization: Bearer $API_KEY"']
    if not public:
        lines.append('-H "X-Serverless-Authorization: Bearer $(gcloud auth print-identity-token)"')
    lines += ["-H 'Content-Type: application/json'", """-d '{"text": "Your parcel is waiting"}'"""]
    return " \\\n  ".join(lines)
