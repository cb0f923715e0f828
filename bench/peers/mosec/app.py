"""A mosec worker; BATCH, WORKERS and FAST choose the variant. Its port comes as MOSEC_PORT."""

import os
from pathlib import Path
from typing import Any

import orjson
from mosec import Server, Worker
from text_model import PlainTextModel

BATCH, FAST = os.environ["BATCH"] == "1", os.environ["FAST"] == "1"


class Text(Worker):
    def __init__(self) -> None:
        self.model = PlainTextModel(Path(os.environ["MODEL_DIR"]))

    def forward(self, data: Any) -> Any:
        if BATCH:
            return self.model.answers([each["text"] for each in data])
        return self.model.answers([data["text"]])[0]

    def serialize(self, data: Any) -> bytes:
        return orjson.dumps(data) if FAST else super().serialize(data)

    def deserialize(self, data: bytes) -> Any:
        return orjson.loads(data) if FAST else super().deserialize(data)


if __name__ == "__main__":
    server = Server()
    # The README's example: max_batch_size=4, max_wait_time=10.
    batching = {"max_batch_size": 4, "max_wait_time": 10} if BATCH else {}
    server.append_worker(Text, num=int(os.environ["WORKERS"]), **batching)
    server.run()
