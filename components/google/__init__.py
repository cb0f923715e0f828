"""What the components on Google Cloud share: its limits, names, accounts, secrets and registry.

Imports no component. Only `secrets`, `apis` and `identity` import the cloud's SDK.
"""
