"""The server's environment: the names that it reads, which names are valid, and which suggest a secret."""

import re

# What the server reads itself (service/settings.py): a target sets these from the arguments above.
OWN_ENVIRONMENT = (
    "HOST",
    "PORT",
    "DEVICE",
    "MODEL_API_KEY",
    "MODEL_DIR",
    "MODEL_SOURCE",
    "EXPECTED_MODEL",
    "REQUEST_TIMEOUT_SECONDS",
    "DRAIN_SECONDS",
    "LISTEN_ON_SECONDS",
    "LISTEN_FD",
    "CONTROL_FD",
    "ROLE",
    "JOBS_DATABASE",
    "JOBS_DATABASE_PASSWORD",
    "JOBS_TTL_SECONDS",
    "JOBS_PER_CALLER",
    "JOBS_FILE_PREFIXES",
    "JOBS_RESULT_PREFIX",
    "JOBS_WEBHOOK_HOSTS",
)
# POSIX names; the clouds take no others.
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# service/manifest.py, Manifest.model_version; modeltools/importing writes the other into a manifest.
EXPECTED_MODEL = re.compile(
    r"|[A-Za-z0-9][A-Za-z0-9._+-]*\+[0-9a-f]{12}|hf:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+@[0-9a-f]{40}"
)
# Names whose value should not stand in the clear in a state, a preview and a console: what it is comes last.
_SECRET_NAME = re.compile(
    r"(?i)(^|_)(key|token|secret|password|passwd|credentials?)(_(value|file_content|base64|b64))?$"
    r"|(^|_)(secret|password|passwd)_"
)
# Of a key or token that is none: a number of them, a switch, one of a few.
_PLAIN_VALUE = re.compile(r"(?i)\s*([+-]?[0-9]{1,6}(\.[0-9]{1,6})?|true|false|yes|no|on|off|none|null)?\s*")


def looks_secret(name: str, value: str | None = None) -> bool:
    """Return whether an environment variable's name and value suggest that it belongs in a secret store.

    value: None if it is not known yet. A number of up to six digits, a switch and an empty value are never
    secret, whatever the name.
    """
    if value is not None and _PLAIN_VALUE.fullmatch(value):
        return False
    return _SECRET_NAME.search(name) is not None
