"""Saves a model with random weights in the shape of the bundled one: modeltools/training/recipe.py."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

config = BertConfig(
    vocab_size=2000,
    hidden_size=128,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=512,
    max_position_embeddings=512,
    type_vocab_size=1,
    id2label={0: "ham", 1: "spam"},
)
BertForSequenceClassification(config).save_pretrained("model", safe_serialization=True)
PreTrainedTokenizerFast(tokenizer_file="tokenizer.json").save_pretrained("model")
