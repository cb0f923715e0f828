"""Removes what may identify a person from texts, by the recognisers of Presidio and some patterns more.

It would rather remove too much: a run of five digits goes, whatever it is. Names are found by a spaCy model
if there is one, and otherwise only where a title, a greeting or the like comes before. How much is found is
measured on tests/service/payload/labelled.txt; the guide has the shares.

Nothing is loaded from a network: Presidio's own recogniser of mail addresses fetches a list of domains, so a
pattern takes its place, and its engine would fetch a missing spaCy model.
"""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..faults import BadSettings

LANGUAGE = "en"
# Presidio gives a match between 0.01 and 1; nothing is as bad here as one that is missed.
NAMES_SCORE = 0.0
_NAME = r"\p{Lu}[\p{L}'\u2019-]+(?:[ ]\p{Lu}[\p{L}'\u2019-]+){0,2}"
_STREET = (
    r"Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Way|Terrace|Close|Boulevard|"
    r"Blvd"
)
_MONTH = (
    r"Jan\p{L}*|Feb\p{L}*|Mar\p{L}*|Mär\p{L}*|Apr\p{L}*|Mai|May|Jun\p{L}*|Jul\p{L}*|Aug\p{L}*|Sep\p{L}*|"
    r"O[ck]t\p{L}*|Nov\p{L}*|De[cz]\p{L}*"
)
_PATTERNS = {
    "EMAIL_ADDRESS": [r"[\w.+'-]{1,64}(?:@| at )[\w-]{1,63}(?:(?:\.| dot )[\w-]{1,63})+"],
    "NUMBER": [r"\+?\(?\d(?:[ ().,/:-]{0,2}\d){4,}"],
    "CODE": [r"\b(?=(?:[\w-]*\d){3})(?=[\w-]*\p{L})[\w-]{4,}"],
    "SECRET": [
        r"\b(?=\S*\d)(?=\S*\p{L})[\w+/=.~-]{16,}",
        r"(?i)(?:password|passwort|passphrase|pin|secret|token|api[ _-]?key)\b(?:\s+is|\s*[:=])*\s*\K\S+",
    ],
    # Presidio's own takes known top-level domains alone.
    "URL": [r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+"],
    # Presidio's own takes numbers and English abbreviations of months.
    "DATE_TIME": [
        rf"\b\d{{1,2}}\.?\s+(?:{_MONTH})\.?,?\s+\d{{2,4}}\b",
        rf"\b(?:{_MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{2,4}}\b",
    ],
    "LOCATION": [
        rf"(?:\d+\p{{L}}?[ ])(?:\p{{Lu}}[\p{{L}}'-]+[ ]){{1,3}}(?:{_STREET})\b\.?",
        rf"(?:\p{{Lu}}[\w'-]+[ ]){{1,3}}(?:{_STREET})[ ]\d+\p{{L}}?\b",
        r"\b\p{Lu}[\p{L}-]*(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse)[ ]\d+\p{L}?\b",
        r"(?i)\bp\.?o\.? box \d+",
    ],
    "PERSON": [
        rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Herr|Frau|Dear|Hi|Hello|Hey|Hallo)\b\.?[ ]\K{_NAME}",
        rf"\b(?:[Mm]y name is|[Tt]his is|I am|I'm|[Cc]all me)\s\K{_NAME}",
        rf"\b(?:[Rr]egards|[Cc]heers|[Ss]incerely),?\s\K{_NAME}",
    ],
}
_RECOGNISERS = (
    "CreditCardRecognizer",
    "CryptoRecognizer",
    "IbanRecognizer",
    "IpRecognizer",
    "MacAddressRecognizer",
    "PhoneRecognizer",
    "UrlRecognizer",
    "UuidRecognizer",
    "DateRecognizer",
    "UsSsnRecognizer",
    "UkNinoRecognizer",
    "UkPostcodeRecognizer",
    "CaPostalCodeRecognizer",
    "EsNifRecognizer",
    "EsNieRecognizer",
    "ItFiscalCodeRecognizer",
    "FiPersonalIdentityCodeRecognizer",
    "InPanRecognizer",
    "SgFinRecognizer",
)


def require_installed(spacy_model: str) -> None:
    """Raise BadSettings if the library, or a model that is named, is not installed. Imports neither."""
    if not _is_installed("presidio_analyzer"):
        raise BadSettings(
            "PAYLOAD_SHARE: above 0, but this installation cannot anonymise. Build the image with "
            "--build-arg PAYLOAD=1, or install service/requirements-payload.txt."
        )
    if spacy_model and not Path(spacy_model).is_dir() and not _is_installed(spacy_model):
        raise BadSettings(
            f"PAYLOAD_SPACY_MODEL: got {spacy_model!r}, which is no installed package and no folder; "
            "allowed: a model of spaCy, such as en_core_web_sm, that the image has."
        )


def _is_installed(package: str) -> bool:
    try:
        return package.isidentifier() and find_spec(package) is not None
    except ImportError:
        return False


class Anonymiser:
    """Cleans one text at a time. One thread."""

    def __init__(self, spacy_model: str = "") -> None:
        """Load the recognisers. spacy_model: finds names and places; a package or folder, or nothing.

        Raises BadSettings if the library or the model is not installed.
        """
        require_installed(spacy_model)
        from presidio_analyzer import predefined_recognizers

        library: Any = predefined_recognizers
        self._recognisers: list[Any] = [getattr(library, name)() for name in _RECOGNISERS]
        self._recognisers += _own_recognisers()
        self._names = _names_engine(spacy_model) if spacy_model else None

    def clean(self, text: str) -> str:
        """Return the text with what was found replaced by its kind, such as <PHONE_NUMBER>."""
        parts: list[str] = []
        end = 0
        for start, stop, kind in _merged(self._found(text)):
            parts += [text[end:start], f"<{kind}>"]
            end = stop
        return "".join([*parts, text[end:]])

    def _found(self, text: str) -> Iterable[Any]:
        for each in self._recognisers:
            yield from each.analyze(text, each.supported_entities, None) or ()
        if self._names is not None:
            yield from self._names.analyze(
                text, LANGUAGE, entities=["PERSON", "LOCATION", "NRP"], score_threshold=NAMES_SCORE
            )


def _merged(found: Iterable[Any]) -> list[tuple[int, int, str]]:
    """Return spans that do not overlap, in order, each with the kind of its longest part."""
    merged: list[tuple[int, int, str, int]] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        length = each.end - each.start
        if not merged or each.start >= merged[-1][1]:
            merged.append((each.start, each.end, each.entity_type, length))
            continue
        start, end, kind, longest = merged[-1]
        if length > longest:
            kind, longest = each.entity_type, length
        merged[-1] = (start, max(end, each.end), kind, longest)
    return [(start, end, kind) for start, end, kind, _ in merged]


def _own_recognisers() -> list[Any]:
    from presidio_analyzer import Pattern, PatternRecognizer

    return [
        PatternRecognizer(
            supported_entity=kind,
            patterns=[Pattern(f"{kind}-{number}", each, 0.5) for number, each in enumerate(patterns)],
            global_regex_flags=0,
        )
        for kind, patterns in _PATTERNS.items()
    ]


def _names_engine(model: str) -> Any:
    """Return Presidio's engine with the names of a spaCy model alone."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    models: Sequence[dict[str, str]] = [{"lang_code": LANGUAGE, "model_name": model}]
    configuration: Any = {"nlp_engine_name": "spacy", "models": models}
    registry: Any = RecognizerRegistry(supported_languages=[LANGUAGE])
    registry.add_recognizer(SpacyRecognizer(supported_language=LANGUAGE))
    engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[LANGUAGE])
