"""The form of a service's name, from which every target builds the names of what it creates."""

import re

# An RFC 1123 label, short enough for a suffix.
NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
