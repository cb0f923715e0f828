"""A BentoML service; BATCH and WORKERS choose the variant."""

import os
from pathlib import Path
from typing import Any

import bentoml
from text_model import PlainTextModel

WORKERS = int(os.environ["WORKERS"])

if os.environ["BATCH"] == "1":

    @bentoml.service(workers=WORKERS)
    class Text:
        def __init__(self) -> None:
            self.model = PlainTextModel(Path(os.environ["MODEL_DIR"]))

        @bentoml.api(batchable=True)
        def predict(self, texts: list[str]) -> list[dict[str, Any]]:
            return self.model.answers(texts)

else:

    @bentoml.service(workers=WORKERS)
    class Text:
        def __init__(self) -> None:
            self.model = PlainTextModel(Path(os.environ["MODEL_DIR"]))

        @bentoml.api
        def predict(self, text: str) -> dict[str, Any]:
            return self.model.answers([text])[0]
