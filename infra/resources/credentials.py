"""Recognises credentials by their form, and hides them in what is shown. Pure."""

import re

from slipway.components.environment import looks_secret

HIDDEN = "[hidden: looks like a secret]"
# Of AWS, GitHub, GitLab, Hugging Face, OpenAI, Stripe, Slack, npm, PyPI, Google; a JSON web token, a private
# key, a webhook, a signed address; user and password in an address, as of a proxy. Source:
# docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns.
_FORMS = re.compile(
    r"(?<![A-Za-z0-9_-])(A[KS]IA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{50,}|glpat-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|[sr]k_(live|test)_[A-Za-z0-9]{16,}|xox[abeprs]-[\w-]{10,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    r"(?![A-Za-z0-9_-])"
    r"|hooks\.slack\.com/(services|workflows)/[A-Z0-9]+/[A-Z0-9]+/\w{20,}"
    r"|discord(app)?\.com/api/webhooks/[0-9]+/[\w-]{40,}|\.webhook\.office\.com/webhookb2/\S{40,}"
    r"|[?&](sig=[\w%+/=-]{40,}|X-Amz-Signature=[0-9a-f]{64}|X-Goog-Signature=[0-9a-f]{64,})"
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
