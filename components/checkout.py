"""Where Slipway's own files are: the server's code, its models and its Dockerfile.

That is the checkout, or the folder `slipway` of an installed package. A caller's files are relative to the
caller's working directory, which is the folder of the Pulumi project.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# A checkout links its folders below the name that they are imported by.
IS_CHECKOUT = (ROOT / "slipway" / "__init__.py").is_file()
# What an interpreter needs on its path to import this Slipway; an installed package is on it already.
IMPORT_PATH = (str(ROOT),) if IS_CHECKOUT else ()
