"""Runs an installation into the checkout: `python3 -m infra.setup.install SET`."""

import sys

from infra.setup.interrupt import quiet_while_loading


def main() -> int:
    with quiet_while_loading():
        from infra.setup.installation import main as install
    return install()


if __name__ == "__main__":
    sys.exit(main())
