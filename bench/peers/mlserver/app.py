"""An MLServer runtime. Its settings come as MLSERVER_... variables and model-settings.json."""

import os
from pathlib import Path
from typing import List  # noqa: UP035 - its codecs know this form and not list[str]

import numpy as np
from mlserver import MLModel
from mlserver.codecs import decode_args
from text_model import PlainTextModel


class Text(MLModel):
    async def load(self) -> bool:
        self.model = PlainTextModel(Path(os.environ["MODEL_DIR"]))
        return True

    @decode_args
    async def predict(self, text: List[str]) -> np.ndarray:  # noqa: UP006
        return self.model.outputs(text)
