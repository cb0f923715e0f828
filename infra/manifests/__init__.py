"""Writes a plan's Kubernetes objects as YAML or as a Helm chart."""
