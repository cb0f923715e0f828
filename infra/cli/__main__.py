"""`python -m slipway.infra.cli` is the command `slipway`."""

from slipway.infra.cli.app import main

main()
