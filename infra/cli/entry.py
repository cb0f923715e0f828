"""The start of the `slipway` command: loads it, so that Ctrl-C in the first second is one sentence."""

from slipway.infra.setup.interrupt import quiet_while_loading


def main() -> None:
    with quiet_while_loading():
        from slipway.infra.cli.app import main as run
    run()
