"""Installs what the project needs; standard library only."""
