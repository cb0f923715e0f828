"""The texts and given answers on which a converted model must be as sure of each token as the original."""

_STORM = (
    "The harbour was closed on Monday after a storm tore two ships from their moorings. One drifted onto the "
    "slipway and blocked it until the evening. Nobody was hurt. The harbour opened again on Tuesday morning."
)

_ANSWERS = (
    (_STORM, "A storm closed the harbour on Monday; nobody was hurt."),
    ("Where is my order? It should have come on Friday.", "The customer asks where the order is."),
    (
        "The central bank left its rate at 3.5 %, as expected; shares fell a little.",
        "The rate stays at 3.5 %.",
    ),
    ("El servicio fue lento, pero la comida estaba riquísima.", "La comida era buena, el servicio lento."),
    ("Das Paket kam zu spät und war beschädigt.", "Das Paket war beschädigt."),
    ("ok", "ok"),
    ("def double(x): return x * 2", "It doubles a number."),
)
# Repeats a text, so that positions far from the start are compared too.
_LONG_REPEATS = 12


def answers() -> list[tuple[str, str]]:
    """Return texts, each with an answer as a person would give it; the last text is long."""
    return [*_ANSWERS, (" ".join([_STORM] * _LONG_REPEATS), _ANSWERS[0][1])]


def short_texts() -> list[str]:
    """Return texts to draw a model's own answers to."""
    return [text for text, _ in _ANSWERS]
