"""`llama_of_gguf.py FILE`: the small Llama's shape with random weights, as llama.cpp reads it, in Q8_0.

Runs in an environment with the package gguf, and imports nothing of this repository.
"""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import sys

import gguf
import numpy as np

WIDTH, INNER, HEADS, KV_HEADS, LAYERS, HEAD, TOKENS = 576, 1536, 9, 3, 30, 64, 49_152
SPECIAL = ("<pad>", "</s>", "<unk>", "<s>", "summarize:")


def main(file: str) -> None:
    draw = np.random.default_rng(1)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(TOKENS)
    # A text of letters has a token for each, as nothing in between can be merged.
    letters = ["\u2581", *map(chr, range(ord("a"), ord("z") + 1))]
    known = [*SPECIAL, *letters]
    words = [*known, *(f"\u2581w{number}" for number in range(TOKENS - len(known)))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([word.encode() for word in words])
    writer.add_token_scores([-float(number) for number in range(TOKENS)])
    kinds = [gguf.TokenType.CONTROL] * 4 + [gguf.TokenType.NORMAL] * (TOKENS - 4)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(3)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)

    def add(name: str, *shape: int) -> None:
        weights = draw.standard_normal(shape, np.float32) / np.float32(shape[-1] ** 0.5)
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(weights, kind), raw_dtype=kind)

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(WIDTH, np.float32))

    add("token_embd.weight", TOKENS, WIDTH)
    norm("output_norm.weight")
    add("output.weight", TOKENS, WIDTH)
    for layer in range(LAYERS):
        norm(f"blk.{layer}.attn_norm.weight")
        add(f"blk.{layer}.attn_q.weight", HEADS * HEAD, WIDTH)
        add(f"blk.{layer}.attn_k.weight", KV_HEADS * HEAD, WIDTH)
        add(f"blk.{layer}.attn_v.weight", KV_HEADS * HEAD, WIDTH)
        add(f"blk.{layer}.attn_output.weight", WIDTH, HEADS * HEAD)
        norm(f"blk.{layer}.ffn_norm.weight")
        add(f"blk.{layer}.ffn_gate.weight", INNER, WIDTH)
        add(f"blk.{layer}.ffn_up.weight", INNER, WIDTH)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
