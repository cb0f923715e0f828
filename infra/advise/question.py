"""The requirements of a service, complete and checked. Times in seconds unless the name says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from slipway.components.aws.limits import REGION as AWS_REGION
from slipway.components.google.limits import REGION as GOOGLE_REGION
from slipway.components.model import model_folder
from slipway.components.model_address import ModelAddress
from slipway.components.need import need_of
from slipway.components.sizes import gib
from slipway.infra.advise.engines import engine_notes
from slipway.infra.cost.usage import BUSY_SHARE, HOURS, Usage
from slipway.infra.errors import Refused
from slipway.stacks.settings.setting import Setting
from slipway.stacks.settings.targets import row_of

# Below this an answer cannot wait for an instance to start: 8 to 10 s were read of a Python image on Cloud
# Run (techfrontier.blog, 2026-02), minutes of Fargate and GKE.
COLD_START_MS = 10_000
# Engines that leave a GPU idle.
_ON_CPU = {"onnx": "ONNX Runtime", "ctranslate2": "CTranslate2"}
RESIDENCIES: Mapping[str, tuple[str, str]] = {
    "any": ("us-central1", "us-east-1"),
    "us": ("us-central1", "us-east-1"),
    "eu": ("europe-west4", "eu-west-1"),
}
# GPU memory in GiB, less what a process with CUDA takes for itself.
GPU_GIB: Mapping[str, float] = {"nvidia-l4": 24, "nvidia-tesla-t4": 16, "nvidia-tesla-a100": 40}


@dataclass(frozen=True, slots=True)
class Question:
    """rps, peak: average and maximum requests a second in the busy hours. hours: busy hours of a day.

    cpu_seconds, gpu_seconds: of one vCPU, of the GPU, that a request takes; None: not known.
    latency_ms: maximum response time; None: any. budget_usd: a month; None: any.
    notes: what to know of the model's engine.
    """

    model: str
    task: str
    rps: float
    peak: float
    hours: float
    need_mib: float
    cpu_seconds: float | None
    gpu_seconds: float | None = None
    measured: bool = False
    gpu: str = ""
    latency_ms: float | None = None
    budget_usd: float | None = None
    spot: bool = False
    free_tier: bool = False
    gcp_region: str = "us-central1"
    aws_region: str = "us-east-1"
    project: str = "my-project"
    cpu: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def warm(self) -> bool:
        """Return whether an instance must be running before a request arrives."""
        return self.latency_ms is not None and self.latency_ms < COLD_START_MS

    @property
    def requests(self) -> float:
        """Return the number of requests in a month."""
        return self.rps * self.hours * 3600 * HOURS / 24

    def usage(self, seconds: float | None) -> Usage:
        """Egress, logs and images are left out: they are alike wherever it runs."""
        return Usage(self.requests, seconds, self.hours, 0, 0, 0, self.measured)

    def instances_at_peak(self, seconds: float, cpu: float) -> int:
        """So many that none is busier than BUSY_SHARE of what it can do."""
        return max(1, -int(-self.peak * seconds / cpu // BUSY_SHARE))

    def times(self, factor: float) -> Self:
        """Return the same question with the requests multiplied by `factor`."""
        return replace(self, rps=self.rps * factor, peak=self.peak * factor)


def question_of(
    *,
    model: str,
    rps: float,
    task: str = "",
    peak: float | None = None,
    hours: float = 24,
    memory: str = "",
    request_seconds: float | None = None,
    gpu: str = "",
    gpu_seconds: float | None = None,
    latency_ms: float | None = None,
    budget_usd: float | None = None,
    spot: bool = False,
    free_tier: bool = False,
    residency: str = "any",
    regions: tuple[str, ...] = (),
    project: str = "my-project",
) -> Question:
    """Complete the question from the model's manifest. Raises Refused with all faults at once."""
    manifest = _manifest(_model(model))
    rate = manifest.get("measured", {}).get("texts_per_second")
    seconds = request_seconds or (1 / rate if rate else None)
    need, memory_fault = _need(manifest, memory)
    gcp, aws, region_faults = _regions(residency, regions)
    numbers = (
        ("--rps", rps, 1e-9, 1e6),
        ("--peak", peak, rps, 1e7),
        ("--hours", hours, 0.1, 24),
        ("--request-seconds", request_seconds, 1e-6, 3600),
        ("--gpu-seconds", gpu_seconds, 1e-6, 3600),
        ("--latency", latency_ms, 1, 3_600_000),
        ("--budget", budget_usd, 0.01, 1e9),
    )
    faults = [_outside(*number) for number in numbers]
    faults += [memory_fault, *region_faults, _fault("project", project), _fault("task", task)]
    faults += _speed_faults(model, seconds, gpu, gpu_seconds)
    engine = _ON_CPU.get(manifest.get("engine", "onnx")) if manifest else None
    if gpu and engine:
        faults.append(
            f"--gpu is {gpu!r} with {model}, which {engine} computes on the CPU. Name a model for torch, "
            "such as --model hf:<owner>/<name>@<commit>, or leave --gpu out."
        )
    if any(faults):
        raise Refused("\n".join(fault for fault in faults if fault))
    return Question(
        model=model,
        task=task or manifest.get("task", "classify"),
        rps=rps,
        peak=peak or rps,
        hours=hours,
        need_mib=need,
        cpu_seconds=seconds,
        gpu_seconds=gpu_seconds,
        measured=request_seconds is None and seconds is not None,
        gpu=gpu,
        latency_ms=latency_ms,
        budget_usd=budget_usd,
        spot=spot,
        free_tier=free_tier,
        gcp_region=gcp,
        aws_region=aws,
        project=project,
        notes=engine_notes(manifest, task, gpu),
    )


def _model(text: str) -> str:
    try:
        return str(_row("model").parse(text))
    except ValueError as error:
        hint = f" Did you mean {error}?" if str(error) else ""
        raise Refused(f"--model is {text!r}; it is {_row('model').allowed}.{hint}") from None


def _manifest(model: str) -> Mapping[str, Any]:
    """Return the manifest of a model whose folder is here; {} for any other. Raises Refused."""
    if not ModelAddress.parse(model).is_here:
        return {}
    try:
        return model_folder("advise", model, None).manifest
    except ValueError as error:
        raise Refused(f"--model: {error}") from None


def _outside(flag: str, value: float | None, least: float, most: float) -> str:
    if value is None or least <= value <= most:
        return ""
    return f"{flag} is {value:g}; it is from {least:g} to {most:g}."


def _need(manifest: Mapping[str, object], memory: str) -> tuple[float, str]:
    if memory:
        try:
            return gib(memory) * 1024, ""
        except ValueError:
            return 0, f"--memory is {memory!r}; it is {_row('memory').allowed}."
    if not manifest:
        return 0, "The model is not on this machine, so its memory is not known: give --memory, such as 4Gi."
    return need_of(manifest, 1).with_margin_mib, ""


def _speed_faults(model: str, seconds: float | None, gpu: str, gpu_seconds: float | None) -> list[str]:
    faults: list[str] = []
    if gpu and gpu not in GPU_GIB:
        faults.append(f"--gpu is {gpu!r}; compared are {', '.join(GPU_GIB)}.")
    if gpu and gpu_seconds is None:
        faults.append("--gpu needs --gpu-seconds: what a request takes of the GPU, as measured on one.")
    if gpu_seconds is not None and not gpu:
        faults.append("--gpu-seconds needs --gpu, such as nvidia-l4.")
    if not gpu and seconds is None:
        faults.append(
            f"The throughput of {model} is not known: give --request-seconds, what a request takes of one "
            "vCPU, or measure a model that lies here with `slipway fit <model> --write`."
        )
    return faults


def _row(key: str) -> Setting:
    """Return the setting with the same key as an option."""
    row = row_of(key)
    assert row is not None
    return row


def _fault(key: str, text: str) -> str:
    """Return what is wrong with an option that is also a setting; '' if nothing is."""
    try:
        if text:
            _row(key).parse(text)
    except ValueError:
        return f"--{key} is {text!r}; it is {_row(key).allowed}."
    return ""


def _regions(residency: str, regions: tuple[str, ...]) -> tuple[str, str, list[str]]:
    """Choose a region for each cloud: the requested one, otherwise the residency's default."""
    if residency not in RESIDENCIES:
        return "", "", [f"--residency is {residency!r}; it is one of {', '.join(RESIDENCIES)}."]
    gcp, aws = RESIDENCIES[residency]
    faults: list[str] = []
    starts = {"eu": ("eu-", "europe-"), "us": ("us-",)}.get(residency, ("",))
    for region in regions:
        if AWS_REGION.fullmatch(region):
            aws = region
        elif GOOGLE_REGION.fullmatch(region):
            gcp = region
        else:
            faults.append(f"--region is {region!r}; it is a region such as europe-west4 or eu-west-1.")
            continue
        if not region.startswith(starts):
            faults.append(f"--region {region} is not in --residency {residency}.")
    return gcp, aws, faults
