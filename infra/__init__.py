"""Reads one stack's settings, runs the program, and the tools that read its plan."""
