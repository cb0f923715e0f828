"""Runs a program that is not trusted with what the caller can do: no files of the caller, no network.

It takes two means of Linux that need no privilege, Landlock and seccomp; other systems have neither.
"""
