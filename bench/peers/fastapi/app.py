"""FastAPI as its tutorial serves a model: a sync `def`, which runs in its thread pool."""

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from text_model import PlainTextModel

app = FastAPI()
model = PlainTextModel(Path(os.environ["MODEL_DIR"]))


class Request(BaseModel):
    text: str


@app.post("/predict")
def predict(request: Request) -> dict[str, Any]:
    return model.answers([request.text])[0]
