"""`t5_of_torch.py FOLDER`: flan-t5-base's shape with random weights for the torch engine; needs torch."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import transformers

from bench.writers.folders import PREFIX, T5_TOKENS, tokenizer_of, words


def main(folder: Path) -> None:
    torch.manual_seed(1)
    config = transformers.T5Config(
        vocab_size=T5_TOKENS,
        d_model=768,
        d_kv=64,
        d_ff=2048,
        num_layers=12,
        num_heads=12,
        feed_forward_proj="gated-gelu",
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    network: Any = transformers.T5ForConditionalGeneration(config)
    network.save_pretrained(folder)
    tokenizer_of(words(T5_TOKENS), begins=False).save(str(folder / "tokenizer.json"))
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }
    manifest = {"name": "random-t5", "version": "1.0.0", "task": "summarize", "license": "CC0-1.0"}
    more = {"engine": "torch", "max_tokens": 512, "max_new_tokens": 512, "prefix": PREFIX}
    (folder / "manifest.json").write_text(json.dumps({**manifest, **more, "files": files}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
