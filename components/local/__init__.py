"""The local target: one server process on this machine, kept by a supervisor, described by a component.

Holds no import, so that the supervisor starts without loading Pulumi.
"""
