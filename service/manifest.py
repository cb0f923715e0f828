"""A model folder's manifest.json: what the model is, and the size and hash of each file it needs."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from .faults import BadModel, ModelNotFound

MODEL_FILE = "model.onnx"
SAFETENSORS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"

Engine = Literal["onnx", "torch"]
# What a model's folder holds for each engine that serves it.
EngineFiles = Mapping[Engine, tuple[str, ...]]
# Their hash is in the model's version.
WEIGHTS: dict[Engine, str] = {"onnx": MODEL_FILE, "torch": SAFETENSORS_FILE}
# Of a model that takes texts.
TEXT_FILES: EngineFiles = {
    "onnx": (MODEL_FILE, TOKENIZER_FILE),
    "torch": (SAFETENSORS_FILE, CONFIG_FILE, TOKENIZER_FILE),
}
# Of one that is a graph alone.
GRAPH_FILES: EngineFiles = {"onnx": (MODEL_FILE,)}

# What a file that is being fetched ends in.
PART_SUFFIX = ".part"
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib")


def _file_name(name: str) -> str:
    """A plain name: a manifest cannot point outside its folder, nor bring code."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", name) or name.endswith(PART_SUFFIX):
        rule = f"is no plain file name (letters, digits, '.', '_', '-'; no folder, no {PART_SUFFIX})"
        raise PydanticCustomError("file_name", "{rule}", {"rule": rule})
    if name.lower().endswith(PICKLES):
        rule = "is a pickle, which runs code when it is loaded; weights are model.onnx or model.safetensors"
        raise PydanticCustomError("pickle", "{rule}", {"rule": rule})
    return name


FileName = Annotated[str, AfterValidator(_file_name)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100)]
Name = Annotated[str, Field(min_length=1)]


class ManifestFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)


class Measured(BaseModel):
    """What the model needed and gave where it was measured."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    memory_mb: float = Field(gt=0, strict=True, description="Peak memory, in millions of bytes.")
    load_seconds: float = Field(ge=0, strict=True)
    texts_per_second: float = Field(gt=0, strict=True)


class Manifest(BaseModel):
    """What every model's manifest holds. A task's own type adds the keys that only its models have."""

    model_config = ConfigDict(frozen=True)

    name: Word
    version: Word
    task: str
    license: str
    files: dict[FileName, ManifestFile]
    engine: Engine = "onnx"
    precision: Literal["fp32", "fp16", "bf16", "int8"] | None = None
    measured: Measured | None = None
    source: Any = None
    """`hf:<owner>/<name>@<commit>` where an import wrote it; other tools may keep anything here."""

    @property
    def is_exact_in_batches(self) -> bool:
        """Whether a text's answer stays the same, but for rounding, in any company.

        Not that of an int8 model: the scales of its activations are those of the whole batch. Batches of 8
        moved MiniLM's vectors of 600 short messages to a cosine of 0.989 on average, 0.955 at worst.
        """
        return self.engine == "torch" or self.precision == "fp32"

    @classmethod
    def read(cls, folder: Path, tasks: "Mapping[str, type[TaskRules]]") -> Self:
        """Raises ModelNotFound if the folder holds no model, BadModel if its manifest cannot be used."""
        path = folder / "manifest.json"
        return cls.parse(_content(folder, path), str(path), tasks)

    @classmethod
    def parse(cls, content: bytes, place: str, tasks: "Mapping[str, type[TaskRules]]") -> Self:
        """The manifest in its task's own type. Raises BadModel if it cannot be used.

        place: the manifest's path or address, as it is told.
        """
        named = _validated(_TaskName, content, place).task
        rules = tasks.get(named) if isinstance(named, str) else None
        if rules is None:
            _validated(Manifest, content, place)
            raise BadModel(f"{place}: task is {named!r}; this server has {sorted(tasks)}.")
        manifest = rules.manifest_type.checked(content, place, rules.files)
        if not isinstance(manifest, cls):
            raise BadModel(f"{place}: a model of the task {manifest.task!r} cannot be used here.")
        return manifest

    @classmethod
    def checked(cls, content: bytes, place: str, files: EngineFiles) -> Self:
        """The manifest in this type, with the files that its engine needs. Raises BadModel."""
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
        """Raises BadModel at the first file that is missing or is not the one the manifest describes."""
        for name, expected in self.files.items():
            path = folder / name
            try:
                with path.open("rb") as file:
                    size = path.stat().st_size
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise BadModel(f"{path} cannot be read: {error.strerror}; manifest.json lists it.") from None
            if size != expected.bytes:
                raise BadModel(f"{path} has {size} bytes; manifest.json says {expected.bytes}.")
            if digest != expected.sha256:
                raise BadModel(f"{path} has sha256 {digest}; manifest.json says {expected.sha256}.")


class TextManifest(Manifest):
    """Of a model that takes texts."""

    max_tokens: int = Field(ge=1)


class TaskRules:
    """What a task asks of its models' folders."""

    manifest_type: ClassVar[type[Manifest]]
    """The keys of the manifest."""
    files: ClassVar[EngineFiles]
    """What the folder holds, for each engine that serves it. Others that it lists are checked too."""


class _TaskName(BaseModel):
    task: Any = None


TModel = TypeVar("TModel", bound=BaseModel)


def _validated(kind: type[TModel], content: bytes, place: str) -> TModel:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise BadModel(f"{place} cannot be used: {_faults(error)}.") from None


def _content(folder: Path, path: Path) -> bytes:
    fix = "MODEL_DIR must name a folder that holds manifest.json and the files it lists"
    try:
        if not any(folder.iterdir()):
            raise ModelNotFound(f"model not found: {folder} is empty; {fix}.")
        return path.read_bytes()
    except NotADirectoryError:
        raise ModelNotFound(f"model not found: {folder} is not a folder; {fix}.") from None
    except FileNotFoundError as error:
        what = "has no manifest.json" if error.filename == str(path) else "does not exist"
        raise ModelNotFound(f"model not found: {folder} {what}; {fix}.") from None
    except OSError as error:
        raise ModelNotFound(f"model not found: {folder} cannot be read ({error.strerror}); {fix}.") from None


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, f['loc'])) or 'manifest.json'}: {f['msg']}" for f in faults)
