"""Reusable Pulumi components that run one inference service; they know nothing of settings or stacks."""
