"""What the components on AWS share: its limits, names, regions, secrets and registry.

Imports no component. Only `secrets` imports the cloud's SDK.
"""
