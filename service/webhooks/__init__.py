"""Tells callers of the end of their jobs: signed calls to https addresses on hosts that the service names."""
