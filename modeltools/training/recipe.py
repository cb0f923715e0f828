"""Every number that shapes the model. Chosen without looking at the test part."""

from dataclasses import dataclass

from .split import Split

SHARES = Split(train=0.7, validation=0.1, test=0.2)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe of `sms-spam`."""

    seed: int = 20
    vocabulary: int = 2000
    max_tokens: int = 512
    width: int = 128
    layers: int = 3
    heads: int = 4
    feed_forward: int = 512
    dropout: float = 0.1
    token_dropout: float = 0.1
    label_smoothing: float = 0.05
    epochs: int = 9
    batch_size: int = 32
    learning_rate: float = 5e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    threads: int = 1
