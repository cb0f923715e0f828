"""Runs the program in this process, without an engine, and holds what it would register."""
