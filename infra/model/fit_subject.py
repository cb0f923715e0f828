"""Finds the model that `slipway fit` is about: on this machine, in a bucket, or on the Hub."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.components.model import ModelFolder
from slipway.components.model_address import ModelAddress, Source
from slipway.infra.errors import Refused
from slipway.infra.model.bucket_model import described_in_bucket, fetched_from_bucket
from slipway.infra.model.fit import model_of
from slipway.infra.model.fit_hub import hub_model


@contextmanager
def subject(
    text: str, estimate: bool, write: bool, say: Callable[[str], None]
) -> Generator[tuple[str, ModelFolder]]:
    """Yield the model's address and its folder; one from a bucket is deleted in the end. Raises Refused.

    estimate: only the manifest is needed. write: the manifest will be written.
    """
    address = ModelAddress.parse(text)
    if address.source is Source.HUB:
        yield text, hub_model(text, estimate)
    elif not address.is_in_bucket:
        yield model_of(text)
    elif write:
        raise Refused(
            f"--write records the result in manifest.json, and {text} is pinned by its own. Make a folder of "
            f"it, `slipway model add {text} mine`, which measures it, and push that to a folder of its own."
        )
    elif estimate:
        yield text, described_in_bucket(text)
    else:
        with TemporaryDirectory(prefix="slipway-fit-") as scratch:
            yield text, fetched_from_bucket(text, Path(scratch), say)
