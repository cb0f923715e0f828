"""The local target: one server process on this machine, run by a supervisor, described by a component.

Imports nothing, so that the supervisor starts without loading Pulumi.
"""
