"""Signs webhooks as Standard Webhooks does, so that every library for it can check them.

Source: the specification at github.com/standard-webhooks/standard-webhooks, version 1.0: the signed content
is `{id}.{timestamp}.{body}`, the signature `v1,` and the HMAC-SHA256 in base64.
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
# The specification asks for 24 to 64 random bytes.
LEAST_BYTES = 24
ALLOWED = f"whsec_ and base64 of at least {LEAST_BYTES} bytes, or at least {LEAST_BYTES} characters"


def signing_key(secret: str) -> bytes:
    """Return the bytes of a secret. Raises ValueError for one that is too short or no base64."""
    key = secret.encode()
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise ValueError(f"is no base64 after {PREFIX}") from None
    if len(key) < LEAST_BYTES:
        raise ValueError(f"has {len(key)} bytes")
    return key


def signed_headers(key: bytes, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a webhook. timestamp: seconds since 1970, of this try."""
    content = f"{id}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{digest}"}
