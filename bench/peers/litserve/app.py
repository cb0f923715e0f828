"""A LitServe API; BATCH and WORKERS choose the variant."""

import os
from pathlib import Path
from typing import Any

import litserve as ls
from text_model import PlainTextModel


class Text(ls.LitAPI):
    def setup(self, device: str) -> None:
        self.model = PlainTextModel(Path(os.environ["MODEL_DIR"]))

    def decode_request(self, request: dict[str, str]) -> str:
        return request["text"]

    def predict(self, text: str | list[str]) -> Any:
        return self.model.answers(text) if isinstance(text, list) else self.model.answers([text])[0]

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    # The batching page's own numbers: lightning.ai/docs/litserve/features/batching.
    batching = {"max_batch_size": 8, "batch_timeout": 0.01} if os.environ["BATCH"] == "1" else {}
    server = ls.LitServer(
        Text(**batching),
        accelerator="cpu",
        workers_per_device=int(os.environ["WORKERS"]),
        fast_queue=os.environ["FAST"] == "1",
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=int(os.environ["API_SERVERS"]),
        generate_client_file=False,
    )
