"""A model folder's manifest.json: what the model is, and the size and hash of each file it needs."""

import difflib
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from .faults import BadModel, ModelNotFound
from .regular import NotRegular, opened

MODEL_FILE = "model.onnx"
SAFETENSORS_FILE = "model.safetensors"
CT2_FILE = "model.bin"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"

Engine = Literal["onnx", "torch", "ctranslate2"]
# What a model's folder holds for each engine that serves it.
EngineFiles = Mapping[Engine, tuple[str, ...]]
# Their hash is in the model's version.
WEIGHTS: dict[Engine, str] = {"onnx": MODEL_FILE, "torch": SAFETENSORS_FILE, "ctranslate2": CT2_FILE}
# Of a model that takes texts.
TEXT_FILES: EngineFiles = {
    "onnx": (MODEL_FILE, TOKENIZER_FILE),
    "torch": (SAFETENSORS_FILE, CONFIG_FILE, TOKENIZER_FILE),
}
# CTranslate2's own names, as its converters write them: config.json is its own too.
SHARED_VOCABULARY_FILE, VOCABULARY_FILE = "shared_vocabulary.json", "vocabulary.json"
# Of an encoder-decoder model, and of a decoder-only one.
SEQ2SEQ_FILES: EngineFiles = {
    "torch": TEXT_FILES["torch"],
    "ctranslate2": (CT2_FILE, CONFIG_FILE, SHARED_VOCABULARY_FILE, TOKENIZER_FILE),
}
CAUSAL_FILES: EngineFiles = {
    "torch": TEXT_FILES["torch"],
    "ctranslate2": (CT2_FILE, CONFIG_FILE, VOCABULARY_FILE, TOKENIZER_FILE),
}
# Of one that is a graph alone.
GRAPH_FILES: EngineFiles = {"onnx": (MODEL_FILE,)}

MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
# Longer than the longest context of a published model that this server runs; what is above it is a mistake.
MOST_TOKENS = 1 << 20
# More columns than a table has that a person watches.
MOST_RANGES = 10_000
# What a file that is being fetched ends in.
PART_SUFFIX = ".part"
MOST_FAULTS_SHOWN = 10
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib")


def _file_name(name: str) -> str:
    """Check for a plain name, so that a manifest cannot point outside its folder, nor bring code."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", name) or name.endswith(PART_SUFFIX):
        rule = f"is not a plain file name (letters, digits, '.', '_', '-'; no folder, no {PART_SUFFIX})"
        raise PydanticCustomError("file_name", "{rule}", {"rule": rule})
    if name.lower().endswith(PICKLES) and name != CT2_FILE:
        rule = "is a pickle, which runs code when it is loaded; weights are model.onnx or model.safetensors"
        raise PydanticCustomError("pickle", "{rule}", {"rule": rule})
    return name


FileName = Annotated[str, AfterValidator(_file_name)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100)]
Name = Annotated[str, Field(min_length=1)]


class ManifestPart(BaseModel):
    """A part of the manifest. Numbers must not be strings, and an unknown key is refused as a mistake."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ManifestFile(ManifestPart):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)


class Measured(ManifestPart):
    """What the model needed, and how fast it was, where it was measured."""

    model_config = ConfigDict(allow_inf_nan=False)

    memory_mib: float = Field(
        gt=0, description="Peak memory, in MiB.", validation_alias=AliasChoices("memory_mib", "memory_mb")
    )
    """Manifests that were written before it had its unit say `memory_mb`."""
    load_seconds: float = Field(ge=0)
    texts_per_second: float = Field(gt=0)
    machine: str | None = None
    """Where; for people."""


class ColumnRange(ManifestPart):
    """What a column held: numbers from `least` to `most`, or these strings."""

    least: int | float | None = None
    most: int | float | None = None
    values: list[str] | None = None


class Reference(ManifestPart):
    """What the model predicted for data like that of its use: counts over the bins of service/quality."""

    signals: dict[
        Literal["class", "confidence", "length", "unknown", "range"], list[Annotated[int, Field(ge=0)]]
    ]
    columns: dict[str, ColumnRange] = Field(default={}, max_length=MOST_RANGES)
    """Of a table, from the lines that the counts of the signal `range` leave out."""


class Manifest(ManifestPart):
    """The keys of every model's manifest. A task's own type adds the keys that only its models have."""

    parts: ClassVar[Mapping[str, type[BaseModel]]] = {
        "measured": Measured,
        "files": ManifestFile,
        "reference": Reference,
    }
    """The keys that have keys of their own inside, and what these are."""

    name: Word
    version: Word
    task: str
    license: str
    files: dict[FileName, ManifestFile]
    engine: Engine = "onnx"
    precision: Literal["fp32", "fp16", "bf16", "int8"] | None = None
    measured: Measured | None = None
    reference: Reference | None = None
    source: Any = None
    """`hf:<owner>/<name>@<commit>` where an import wrote it; other tools may keep anything here."""
    heads: int | None = Field(default=None, ge=1, le=4096)
    """Attention heads, from which `slipway fit --estimate` knows more of the memory."""
    conversion: Any = None
    """How far the model is from its original, where it was converted."""
    tried: Any = None
    """What an import saw of it, where it was copied."""
    metadata: Any = None
    """Whatever its makers note; nothing reads it."""

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        """Refuse `model.bin` of any other engine: Transformers gives that name to a pickle."""
        if CT2_FILE in self.files and self.engine != "ctranslate2":
            rule = (
                f"files lists {CT2_FILE}, which only engine 'ctranslate2' has; for {self.engine!r} it is a "
                "pickle, which runs code when it is loaded"
            )
            raise PydanticCustomError("pickle", "{rule}", {"rule": rule})
        return self

    @property
    def is_exact_in_batches(self) -> bool:
        """Return whether a text's answer does not depend on its batch, except for rounding.

        That of an int8 model does: the scales of its activations are those of the whole batch. Batches of 8
        moved MiniLM's vectors of 600 short messages to a cosine of 0.989 on average, 0.955 at worst.
        """
        return self.engine == "torch" or self.precision == "fp32"

    @classmethod
    def read(cls, folder: Path, tasks: "Mapping[str, type[TaskRules]]") -> Self:
        """Read a folder's manifest.

        Raises ModelNotFound if it holds no model, BadModel if it is not usable.
        """
        return cls.parse(_content(folder), str(folder / MANIFEST_FILE), tasks)

    @classmethod
    def parse(cls, content: bytes, place: str, tasks: "Mapping[str, type[TaskRules]]") -> Self:
        """Read a manifest as its task's own type. Raises BadModel if it cannot be used.

        place: the manifest's path or address, for messages.
        """
        named = _validated(_TaskName, content, place).task
        rules = tasks.get(named) if isinstance(named, str) else None
        if rules is None:
            _validated(_OfUnknownTask, content, place)
            raise BadModel(f"{place}: task is {named!r}; this server has {sorted(tasks)}.")
        manifest = rules.manifest_type.checked(content, place, rules.files)
        if not isinstance(manifest, cls):
            raise BadModel(f"{place}: a model of the task {manifest.task!r} cannot be used here.")
        return manifest

    @classmethod
    def checked(cls, content: bytes, place: str, files: EngineFiles) -> Self:
        """Read a manifest as this type, with the files that its engine needs. Raises BadModel."""
        manifest = _validated(cls, content, place)
        needed = files.get(manifest.engine)
        if needed is None:
            raise BadModel(
                f"{place}: engine is {manifest.engine!r}; a model of the task {manifest.task!r} is served by "
                f"{' or '.join(map(repr, files))}."
            )
        if missing := set(needed) - manifest.files.keys():
            raise BadModel(
                f"{place}: files lacks {sorted(missing)}; "
                f"engine {manifest.engine!r} needs {', '.join(needed)}."
            )
        return manifest

    @property
    def model_version(self) -> str:
        return f"{self.name}-{self.version}+{self.files[WEIGHTS[self.engine]].sha256[:12]}"

    def check_files(self, folder: Path) -> None:
        """Raise BadModel at the first file that is missing or is not the one the manifest describes."""
        for name, expected in self.files.items():
            path = folder / name
            try:
                with opened(folder, name) as file:
                    size = os.fstat(file.fileno()).st_size
                    if size != expected.bytes:
                        raise BadModel(f"{path} has {size} bytes; manifest.json says {expected.bytes}.")
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except NotRegular as error:
                raise BadModel(f"{path} {error}; put the file itself there.") from None
            except OSError as error:
                raise BadModel(f"{path} cannot be read: {error.strerror}; manifest.json lists it.") from None
            if digest != expected.sha256:
                raise BadModel(f"{path} has sha256 {digest}; manifest.json says {expected.sha256}.")


def all_different(names: Sequence[str]) -> None:
    """Raise PydanticCustomError for equal names, which an answer could not distinguish."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PydanticCustomError("names", "{name} occurs more than once", {"name": repr(twice[0][:100])})


class TextManifest(Manifest):
    """The manifest of a model that takes texts."""

    max_tokens: int = Field(ge=1, le=MOST_TOKENS)
    examples: tuple[Annotated[str, Field(max_length=2000, pattern=r"\S")], ...] = Field(
        default=(), max_length=10
    )
    """Texts to try, as the page and the API's document show them; none: the task's own."""


class TaskRules:
    """A task's requirements for its models' folders."""

    manifest_type: ClassVar[type[Manifest]]
    """The keys of the manifest."""
    files: ClassVar[EngineFiles]
    """What the folder holds, for each engine that serves it. Others that it lists are checked too."""


class _TaskName(BaseModel):
    task: Any = None


class _OfUnknownTask(Manifest):
    """A manifest whose task is not known, and so neither are its further keys."""

    model_config = ConfigDict(extra="ignore")


TModel = TypeVar("TModel", bound=BaseModel)


def _validated(kind: type[TModel], content: bytes, place: str) -> TModel:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        said = "; ".join(_fault(kind, fault) for fault in faults[:MOST_FAULTS_SHOWN])
        more = f"; and {len(faults) - MOST_FAULTS_SHOWN} more" if len(faults) > MOST_FAULTS_SHOWN else ""
        raise BadModel(f"{place} cannot be used: {said}{more}.") from None


def _content(folder: Path) -> bytes:
    fix = "MODEL_DIR must name a folder that holds manifest.json and the files it lists"
    try:
        if not any(folder.iterdir()):
            raise ModelNotFound(f"model not found: {folder} is empty; {fix}.")
        with opened(folder, MANIFEST_FILE) as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except NotRegular as error:
        raise BadModel(f"{folder / MANIFEST_FILE} {error}; put the file itself there.") from None
    except NotADirectoryError:
        raise ModelNotFound(f"model not found: {folder} is not a folder; {fix}.") from None
    except FileNotFoundError:
        what = "has no manifest.json" if folder.is_dir() else "does not exist"
        raise ModelNotFound(f"model not found: {folder} {what}; {fix}.") from None
    except OSError as error:
        raise ModelNotFound(f"model not found: {folder} cannot be read ({error.strerror}); {fix}.") from None
    if len(content) > MAX_MANIFEST_BYTES:
        raise BadModel(
            f"{folder / MANIFEST_FILE} has more than {MAX_MANIFEST_BYTES} bytes, the most allowed."
        )
    return content


def _fault(kind: type[BaseModel], fault: ErrorDetails) -> str:
    *inside, key = fault["loc"] or ("manifest.json",)
    place = ".".join(str(part)[:100] for part in (*inside, key))
    if fault["type"] != "extra_forbidden":
        return f"{place}: {fault['msg']}"
    known = _keys(kind, inside)
    nearest = difflib.get_close_matches(str(key), known, n=1)
    meant = f"; did you mean {nearest[0]!r}?" if nearest else f"; allowed are {', '.join(known)}"
    return f"{place}: is no key of a manifest{meant}"


def _keys(kind: type[BaseModel], inside: Sequence[str | int]) -> list[str]:
    """Return the keys of the part of a manifest at that place."""
    part = kind.parts.get(str(inside[0])) if inside and issubclass(kind, Manifest) else None
    return sorted((part or kind).model_fields)
