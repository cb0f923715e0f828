"""A Ray Serve deployment; BATCH and WORKERS choose the variant."""

import os
from pathlib import Path
from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse
from text_model import PlainTextModel

WORKERS, FAST = int(os.environ["WORKERS"]), os.environ["FAST"] == "1"
ongoing = {"max_ongoing_requests": 64} if FAST else {}


@serve.deployment(num_replicas=WORKERS, **ongoing)
class Text:
    def __init__(self) -> None:
        self.model = PlainTextModel(Path(os.environ["MODEL_DIR"]))

    @serve.batch(max_batch_size=8, batch_wait_timeout_s=0.1)
    async def together(self, texts: list[str]) -> list[dict[str, Any]]:
        return self.model.answers(texts)

    async def __call__(self, request: Request) -> JSONResponse:
        text = (await request.json())["text"]
        if os.environ["BATCH"] == "1":
            return JSONResponse(await self.together(text))
        return JSONResponse(self.model.answers([text])[0])


if __name__ == "__main__":
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
    serve.run(Text.bind(), route_prefix="/predict", blocking=True)
