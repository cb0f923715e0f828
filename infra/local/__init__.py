"""Applies a local stack without Pulumi's command."""
