"""The fixed texts on which a converted model must answer like the original: many kinds and lengths."""

_SENTENCES = (
    "ok",
    "Great!",
    "Where is my order?",
    "Not bad, not good either.",
    "I loved every minute of it and would see it again tomorrow.",
    "This is the worst phone I have ever owned: it died after two days, and nobody answers.",
    "WINNER!! You have won a 1000 cash prize. Call 09061701461 now to claim.",
    "Are we still on for lunch tomorrow? I can bring the papers you asked for.",
    "The central bank left its rate at 3.5 %, as expected; shares fell a little.",
    "El servicio fue lento, pero la comida estaba riquísima.",
    "Das Paket kam zu spät und war beschädigt. Ich möchte mein Geld zurück.",
    "这个产品的质量非常好，下次还会再买。",  # noqa: RUF001 - the comma of this script
    "LOL 😂😂 that was sooo funny… see https://example.com/a?b=c #fun @you",
    "Please cancel my subscription (account 55123) and confirm it by e-mail.",
    'He said: "You never listen", and left. She was relieved, and a little sad.',
    "def f(x): return x * 2  # no text at all, yet some callers send it",
)


_WORDS_IN_ALL = sum(len(sentence.split()) for sentence in _SENTENCES)


def texts(max_tokens: int) -> list[str]:
    """Return each sentence, then longer and longer texts; the last exceeds the model's maximum tokens."""
    story = " ".join(_SENTENCES)
    repeated = max_tokens // _WORDS_IN_ALL + 1
    return [
        *_SENTENCES,
        " ".join(_SENTENCES[4:8]),
        " ".join(_SENTENCES[:9]),
        story,
        " ".join([story] * repeated),
    ]
