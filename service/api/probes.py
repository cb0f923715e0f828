"""/alive, /ready and /health, for a platform's probes. None needs the key."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ..device import DeviceKind
from ..faults import NotReady
from ..lifecycle import Lifecycle, State
from ..manifest import Manifest
from .problems import MEDIA_TYPE
from .progress import LIVENESS_LIMITS, Progress

PROBES = frozenset({"/alive", "/ready", "/health"})


def _unavailable(description: str) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {503: {"description": description, "content": content}}


NOT_READY = _unavailable(
    "The model is loading, the server is shutting down, or an inference thread has been at one turn for "
    "longer than a request may take."
)
NOT_ALIVE = _unavailable(
    f"No inference thread has finished a turn for {LIVENESS_LIMITS} times as long as a request may take."
)


class Alive(BaseModel):
    alive: bool = Field(description="Always true; otherwise the status is 503.", examples=[True])


class Ready(BaseModel):
    ready: bool = Field(description="Always true; otherwise the status is 503.", examples=[True])


class Health(BaseModel):
    state: State = Field(
        description="What the server is doing; `stuck`: an inference thread makes no progress.",
        examples=["ready"],
    )
    model: str = Field(description="Name of the model.", examples=["sms-spam"])
    model_version: str = Field(
        description="Name, version and the first 12 hex digits of the model file's SHA-256.",
        examples=["sms-spam-1.0.0+31239f92ad32"],
    )
    version: str = Field(description="Version of this deployment (SERVICE_VERSION).", examples=["dev"])
    device: DeviceKind | None = Field(
        description="What the model computes on: `cuda`, an NVIDIA GPU, or `cpu`; null until that is known.",
        examples=["cpu"],
    )
    gpu: str | None = Field(description="Name of the GPU; null without one.", examples=["NVIDIA L4"])
    uptime_seconds: float = Field(ge=0, description="Seconds since the process started.", examples=[12.5])


def probes(lifecycle: Lifecycle, manifest: Manifest, service_version: str, progress: Progress) -> APIRouter:
    router = APIRouter(tags=["probes"])

    async def alive() -> Alive:
        progress.require_alive()
        return Alive(alive=True)

    async def ready() -> Ready:
        if lifecycle.phase == "loading":
            raise NotReady("the model is still loading", retry_after_seconds=1)
        if lifecycle.phase == "draining":
            raise NotReady("the server is shutting down")
        progress.require_ready()
        return Ready(ready=True)

    async def health() -> Health:
        device = lifecycle.device
        return Health(
            state="stuck" if lifecycle.phase == "ready" and progress.is_stuck else lifecycle.phase,
            model=manifest.name,
            model_version=manifest.model_version,
            version=service_version,
            device=device.kind if device else None,
            gpu=device.gpu if device else None,
            uptime_seconds=round(lifecycle.uptime_seconds, 3),
        )

    router.get("/alive", summary="Does the process make progress?", responses=NOT_ALIVE)(alive)
    router.get("/ready", summary="May requests be sent here?", responses=NOT_READY)(ready)
    router.get("/health", summary="What is running here?")(health)
    for path, endpoint in (("/alive", alive), ("/ready", ready), ("/health", health)):
        router.head(path, include_in_schema=False)(endpoint)
    return router
