"""`python -m bench.writers.loop FOLDER`: the engine alone, without a server, as the measure of ours.

Reads a kind and a number of texts a line, and answers each with the milliseconds that they took together.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import ctranslate2  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
from tokenizers import Tokenizer

from bench.writers.folders import INPUT_TOKENS, OUTPUT_TOKENS, PREFIX, text_of
from slipway.service.cpus import usable_cpus

engine: Any = ctranslate2


class Loop:
    def __init__(self, folder: Path) -> None:
        self._is_seq2seq = (folder / "shared_vocabulary.json").is_file()
        made = engine.Translator if self._is_seq2seq else engine.Generator
        self._engine = made(str(folder), inter_threads=1, intra_threads=usable_cpus())
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def milliseconds(self, kind: str, count: int) -> float:
        """Write for so many texts in one batch. kind: `whole` answers, or their `first` token."""
        most = 1 if kind == "first" else OUTPUT_TOKENS
        begun = time.perf_counter()
        texts = [text_of(INPUT_TOKENS, start) for start in range(count)]
        if self._is_seq2seq:
            lengths = {"max_decoding_length": most, "min_decoding_length": most}
            texts = [PREFIX + text for text in texts]
            self._engine.translate_batch(self._read(texts), beam_size=1, max_input_length=0, **lengths)
        else:
            prompts = self._read(texts)
            self._engine.generate_batch(prompts, max_length=most, include_prompt_in_result=False)
        return (time.perf_counter() - begun) * 1000

    def _read(self, texts: list[str]) -> list[list[str]]:
        return [encoding.tokens for encoding in self._tokenizer.encode_batch(texts)]


def main() -> None:
    loop = Loop(Path(sys.argv[1]))
    loop.milliseconds("first", 1)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        kind, count = line.split()
        print(json.dumps(loop.milliseconds(kind, int(count))), flush=True)


if __name__ == "__main__":
    main()
