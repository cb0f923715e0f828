"""What an API key is, for the settings, the components and the server alike."""

import re

# service/settings.py, MODEL_API_KEY; the server refuses another key.
API_KEY = re.compile(r"[\x21-\x7e]{16,4096}")
ALLOWED = "16 to 4096 printable ASCII characters without spaces"
