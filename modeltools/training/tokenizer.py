"""The tokenizer: byte-level BPE, trained on the train part alone, complete in one `tokenizer.json`."""

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

PAD, START, END = "[PAD]", "[CLS]", "[SEP]"


def trained_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Train the tokenizer. vocabulary: tokens in all, special ones and the 256 bytes included."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        # Sorted, because the order of the alphabet decides the ids and thereby the bytes of the file.
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (START, END)],
    )
    return tokenizer


def _normalizer() -> normalizers.Normalizer:
    """Return a normalizer that undoes the collection's masking and keeps of a number only its length."""
    return normalizers.Sequence(
        [
            # Only the ham of one source has its numbers masked: left in, the mask would give the label away.
            normalizers.Replace(Regex(r"&lt;(#|DECIMAL|TIME)&gt;"), "0"),
            normalizers.Replace("&lt;", "<"),
            normalizers.Replace("&gt;", ">"),
            normalizers.Replace("&amp;", "&"),
            normalizers.NFKC(),
            # The mask stands between double blanks, which would give it away as well.
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Replace(Regex(r"\p{Nd}"), "0"),
            normalizers.Lowercase(),
        ]
    )
