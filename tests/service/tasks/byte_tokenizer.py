"""A tokenizer made here, a token for each byte, so that a letter such as é spans two."""

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

SPECIAL = ("<pad>", "</s>", "<s>", "<|turn|>")
VOCABULARY = len(SPECIAL) + 256


def byte_tokenizer(ends_with: str = "") -> Any:
    """ends_with: the token that each text ends with, as T5's do."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate([*SPECIAL, *letters])}
    tokenizer: Any = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    if ends_with:
        end = (ends_with, tokenizer.token_to_id(ends_with))
        tokenizer.post_processor = processors.TemplateProcessing(f"$A {ends_with}", None, [end])
    return tokenizer
