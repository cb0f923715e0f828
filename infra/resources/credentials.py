"""Recognises credentials by their form, and hides them in what is shown. Pure."""

import re

from slipway.components.environment import looks_secret

HIDDEN = "[hidden: looks like a secret]"
# AWS, GitHub, Hugging Face, OpenAI, Google, a private key; user and password in an address, as of a database
# or a proxy.
_FORMS = re.compile(
    r"(?<![A-Za-z0-9_-])(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}"
    r"|AIza[\w-]{35})(?![A-Za-z0-9_-])"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
)
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def holds_credential(text: str) -> bool:
    """Return whether the text has a credential of a well-known form in it."""
    return _FORMS.search(text) is not None or _IN_ADDRESS.search(text) is not None


def without_credentials(text: str) -> str:
    """Hide credentials of well-known forms."""
    return _IN_ADDRESS.sub(HIDDEN, _FORMS.sub(HIDDEN, text))


def is_secret_at(path: str, text: str) -> bool:
    """Return whether a value in an environment belongs to a name that suggests a secret.

    path: such as `env.DB_PASSWORD`, or `template.containers[0].envs[DB_PASSWORD].value`.
    """
    names = _NAME.findall(path.removesuffix(".value"))
    is_environment = any(name in ("env", "envs", "environment") for name in names[:-1])
    return is_environment and looks_secret(names[-1], text)
