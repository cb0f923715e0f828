"""`python -m service.sources`: fetches the model of MODEL_SOURCE into MODEL_CACHE_DIR, and ends.

For an init container: the server, started with the same settings on the same volume, then finds it there.
The exit code is 0, or 2 if the model is not available.
"""

import asyncio
import sys

from ..faults import BadSettings, StartFault
from ..loading import model_origin
from ..logs import configure_logs, fields, log
from ..settings import settings_from_environment
from ..tasks import TASKS


async def fetch() -> None:
    """Fetch the model of the settings. Raises a StartFault."""
    settings = settings_from_environment()
    configure_logs(settings.log_level, settings.log_level_field)
    if not settings.model_source:
        raise BadSettings(
            "MODEL_SOURCE: not set; there is nothing to fetch. The server reads MODEL_DIR itself."
        )
    origin = model_origin(settings)
    await origin.folder(await origin.manifest(TASKS))


def main() -> int:
    configure_logs("info")
    try:
        asyncio.run(fetch())
    except StartFault as fault:
        log.error("%s", fault, extra=fields(cause=fault.cause))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
