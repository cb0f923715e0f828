"""Whether Pulumi's engine would run another program than the one that a preview plans."""

import ast
import hashlib
from pathlib import Path

from slipway.infra.plan.warning import Warned

PROGRAM = "__main__.py"
_SLIPWAYS = ast.dump(ast.parse("from slipway.infra.program import main\n\nmain()\n"))


def own_program(root: Path) -> Warned | None:
    """Warn of a project whose program is not Slipway's own: the engine runs it, with credentials.

    The text differs for each content, so that a comparison shows a program that changed.
    """
    try:
        text = (root / PROGRAM).read_bytes()
    except OSError:
        return None
    try:
        if ast.dump(ast.parse(text)) == _SLIPWAYS:
            return None
    except (SyntaxError, ValueError, RecursionError):
        pass
    digest = hashlib.sha256(text).hexdigest()[:8]
    return Warned(
        "",
        f"{PROGRAM} is a program of its own ({digest}): `pulumi up` runs it, and this preview does not. "
        "Read it; `pulumi preview` shows what it creates.",
    )
