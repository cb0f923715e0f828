"""The inference server: `python -m service`. Its settings are environment variables, in `settings.py`."""
