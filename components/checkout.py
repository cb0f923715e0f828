"""Where this checkout lies: the models, the server's code and the Dockerfile are in it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
