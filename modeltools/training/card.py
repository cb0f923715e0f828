"""The model card, rendered from what a training run measured, so that the two cannot differ."""

from typing import TypedDict

from .scores import RATES, Evaluation, Interval
from .split import SHINGLE_CHARACTERS, SIMILARITY

PARTS = ("train", "validation", "test")


class DataMetrics(TypedDict):
    """The data file: its messages, and how many are left without exact repeats."""

    sha256: str
    messages: int
    distinct_messages: int
    near_duplicate_groups: int


class PartMetrics(TypedDict):
    """The size of one part of the data. spam: messages."""

    messages: int
    groups: int
    spam: int


class Probe(TypedDict):
    """A message of a kind that the model is known to get wrong, and the answer of the int8 model."""

    text: str
    label: str
    spam_probability: float


class Metrics(TypedDict):
    """`metrics.json`: everything that a training run measured. fp32, int8: on test."""

    data: DataMetrics
    split: dict[str, PartMetrics]
    parameters: int
    max_tokens: int
    validation_f1: float
    fp32: Evaluation
    int8: Evaluation
    probes: list[Probe]
    file_bytes: dict[str, int]


def model_card(metrics: Metrics) -> str:
    """Return the whole `README.md` of the model folder."""
    data, int8 = metrics["data"], metrics["int8"]
    counts = int8["confusion"]
    return CARD.format(
        parameters=f"{metrics['parameters']:,}",
        max_tokens=metrics["max_tokens"],
        files=" and ".join(f"`{name}` ({size:,} bytes)" for name, size in metrics["file_bytes"].items()),
        sha256=data["sha256"],
        messages=f"{data['messages']:,}",
        distinct=f"{data['distinct_messages']:,}",
        groups=f"{data['near_duplicate_groups']:,}",
        shingle=SHINGLE_CHARACTERS,
        similarity=SIMILARITY,
        split="\n".join(_split_rows(metrics["split"])),
        validation_f1=f"{metrics['validation_f1']:.4f}",
        rates="\n".join(_rate_rows(metrics["fp32"], int8)),
        spam=counts["true_positive"] + counts["false_negative"],
        missed=counts["false_negative"],
        ham=counts["true_negative"] + counts["false_positive"],
        false_alarms=counts["false_positive"],
        brier=f"{int8['brier_score']:.4f}",
        calibration_error=f"{int8['calibration_error']:.4f}",
        probes="\n".join(_probe_rows(metrics["probes"])),
    )


def _split_rows(split: dict[str, PartMetrics]) -> list[str]:
    return [
        f"| {part} | {split[part]['messages']:,} | {split[part]['groups']:,} | {split[part]['spam']:,} |"
        for part in PARTS
    ]


def _rate_rows(fp32: Evaluation, int8: Evaluation) -> list[str]:
    return [
        f"| {name if name != 'f1' else 'F1'} | {_cell(fp32['rates'][name])} | {_cell(int8['rates'][name])} |"
        for name in RATES
    ]


def _cell(rate: Interval) -> str:
    return f"{rate['value']:.4f} ({rate['low']:.4f} to {rate['high']:.4f})"


def _probe_rows(probes: list[Probe]) -> list[str]:
    return [f"| {probe['text']} | {probe['label']} | {probe['spam_probability']:.3f} |" for probe in probes]


CARD = """\
# sms-spam

Tells spam from wanted text messages (`spam`, `ham`) in English. A BERT of {parameters} parameters, trained
from scratch, its attention fused and its weights in int8, for ONNX Runtime on a CPU:
{files}.

It is the demo model of Slipway: small enough to be committed, real enough to be wrong at times. Use it to see
a service work, to test one, or as a pattern for a model of your own. Do not let it block messages.

- Inputs: `input_ids` and `attention_mask`, int64 [batch, tokens], at most {max_tokens} tokens.
- Output: `logits`, float32 [batch, 2], in the order `ham`, `spam`; their softmax is the probability.
- `tokenizer.json`: byte-level BPE without case; of a number it keeps only the length. It neither pads nor
  truncates.
- Licence of the weights and of this card: Apache-2.0.

## Data

[SMS Spam Collection v.1](https://archive.ics.uci.edu/dataset/228/sms+spam+collection), T. A. Almeida and
J. M. Gómez Hidalgo, UCI Machine Learning Repository,
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). The messages were sent before 2012, mostly in
Britain and Singapore. The data set is not in this repository. The run that made this card read
a file with SHA-256 `{sha256}`.

Of its {messages} messages {distinct} are distinct, and only these are used. Spam campaigns repeat with
another number or prize, and a split by message would put copies of the test spam into train. So two texts are
near-duplicates where their character {shingle}-grams have a Jaccard similarity of {similarity} or more (case,
punctuation and the value of numbers do not count), and the {groups} groups that they form are split whole:

| part | messages | groups | spam |
|---|---|---|---|
{split}

The tokenizer and the weights come from train. The recipe was chosen on train and validation (F1 on
validation: {validation_f1}). Test gave the numbers below, and nothing else.

## Scores on test

With 95 % intervals in brackets (percentile bootstrap over near-duplicate groups). Spam is the positive class,
called where its probability is above one half.

| score | fp32 | int8 (in this folder) |
|---|---|---|
{rates}

In int8 it misses {missed} of {spam} spam messages and takes {false_alarms} of {ham} ham messages for spam.
Its probabilities have a Brier score of {brier} and an expected calibration error of {calibration_error} (ten
bins).

## Known failures

- Spam written like a message from a friend, and short spam that names neither a number nor an offer.
- Ham that looks like an advertisement: capitals, telephone numbers, prices, prizes, notices from a service.
- Anything unlike the data: other languages, links and brands of later years, e-mail, deliberate misspelling.
- Long texts: few in train have more than 100 tokens, so what follows counts for little.
- Padding can move a probability a little: the activations of a batch share one scale.

Texts of our own, of these kinds, and the model's answers:

| text | is | spam probability |
|---|---|---|
{probes}

## Train it again

    make model DATA=path/to/sms_spam.tsv

The same machine gives the same bytes; only `measured` in manifest.json, which `slipway fit --write` adds at
the end, is as noisy as every measurement. The run fails, and leaves this folder as it was, where int8 loses
more than 0.2 points of F1 to fp32 or the model and its tokenizer exceed 3 MB.
"""
