"""The classifier: a small BERT, the mean of its token vectors, one linear layer; and how it is trained."""

import random
from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional
from transformers import BertConfig, BertModel, get_linear_schedule_with_warmup

from .corpus import Part
from .dataset import LABELS
from .recipe import Recipe


class SpamClassifier(torch.nn.Module):
    """Maps `input_ids` and `attention_mask`, int64 [batch, tokens], to logits, float32 [batch, 2]."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.bert = BertModel(_bert_config(recipe), add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(recipe.dropout)
        self.head = torch.nn.Linear(recipe.width, len(LABELS))
        # No text of the data reaches the last positions: zero, not noise, is what stays there.
        torch.nn.init.zeros_(self.bert.embeddings.position_embeddings.weight)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.bert(
            input_ids=input_ids,
            attention_mask=attention_mask,
            # Left out, it makes the exporter record a long detour that hinders the fusing.
            token_type_ids=torch.zeros_like(input_ids),
        ).last_hidden_state
        weights = attention_mask[..., None].to(hidden.dtype)
        return self.head(self.dropout((hidden * weights).sum(1) / weights.sum(1)))


def trained_network(train: Part, validation: Part, recipe: Recipe) -> SpamClassifier:
    """Train the network and return it after the last epoch. validation: only to report its loss."""
    _make_deterministic(recipe)
    network = SpamClassifier(recipe)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    smoothing = recipe.label_smoothing
    steps = recipe.epochs * -(-len(train.labels) // recipe.batch_size)
    schedule = get_linear_schedule_with_warmup(optimizer, int(steps * recipe.warmup_share), steps)
    chance = random.Random(recipe.seed)  # noqa: S311 - reproducible, no secret
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        for rows in _shuffled_batches(train, recipe.batch_size, chance):
            tokens = [_thinned(train.tokens[row], recipe.token_dropout, chance) for row in rows]
            labels = torch.tensor([train.labels[row] for row in rows])
            logits = logits_of(network, tokens)
            _step(network, optimizer, functional.cross_entropy(logits, labels, label_smoothing=smoothing))
            schedule.step()
        loss = mean_loss(network, validation)
        print(f"epoch {epoch}/{recipe.epochs}: validation loss {loss:.4f}", flush=True)
    return network.eval()


def padded(tokens: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return input_ids and attention_mask, [messages, longest], int64; padding is 0 in both."""
    longest = max(len(ids) for ids in tokens)
    input_ids = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in tokens])
    attention_mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in tokens])
    return input_ids, attention_mask


def logits_of(network: SpamClassifier, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the logits, [messages, 2], with the gradients that the caller has switched on."""
    input_ids, attention_mask = padded(tokens)
    return network(input_ids, attention_mask)


def mean_loss(network: SpamClassifier, examples: Part) -> float:
    """Return the mean cross-entropy, in nats per message."""
    network.eval()
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(examples.labels), 64):
            logits = logits_of(network, examples.tokens[start : start + 64])
            labels = torch.tensor(examples.labels[start : start + 64])
            total += functional.cross_entropy(logits, labels, reduction="sum").item()
    return total / len(examples.labels)


def _make_deterministic(recipe: Recipe) -> None:
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(True)
    # Sums come out in another order, so in other last bits, with another number of threads.
    torch.set_num_threads(recipe.threads)


def _bert_config(recipe: Recipe) -> BertConfig:
    return BertConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.feed_forward,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
        max_position_embeddings=recipe.max_tokens,
        type_vocab_size=1,
        pad_token_id=0,
        # ONNX Runtime's optimizer knows only this form of attention.
        attn_implementation="eager",
    )


def _shuffled_batches(examples: Part, size: int, chance: random.Random) -> Iterator[list[int]]:
    """Yield batches of messages of similar length, to save padding, in random order."""
    rows = list(range(len(examples.labels)))
    chance.shuffle(rows)
    pool = size * 16
    batches: list[list[int]] = []
    for start in range(0, len(rows), pool):
        near = sorted(rows[start : start + pool], key=lambda row: len(examples.tokens[row]))
        batches += [near[first : first + size] for first in range(0, len(near), size)]
    chance.shuffle(batches)
    yield from batches


def _thinned(tokens: list[int], share: float, chance: random.Random) -> list[int]:
    """Drop a random share of the tokens between the first and the last, so that no single word decides."""
    return [tokens[0], *(token for token in tokens[1:-1] if chance.random() >= share), tokens[-1]]


def _step(network: SpamClassifier, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
