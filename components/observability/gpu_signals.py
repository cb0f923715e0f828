"""Describes what is watched of the GPUs of a service, where the cluster has NVIDIA's DCGM exporter.

The pod of a GPU is the label `exported_pod` where its scrape has labels of its own, and `pod` where it keeps
those of the exporter, as on GKE: github.com/NVIDIA/dcgm-exporter, serviceMonitor.honorLabels; GKE
how-to/dcgm-metrics. A GPU is the service's if the service's own metrics come from that pod.
"""

from .expressions import SERVICE, one
from .signal import Alarm, DashboardRow, SignalRow, Unit

_EXPORTED = ("exported_pod", "exported_namespace")
_USE = "DCGM_FI_DEV_GPU_UTIL{$m} / 100"
_MEMORY = "DCGM_FI_DEV_FB_USED{$m} / (DCGM_FI_DEV_FB_USED{$m} + DCGM_FI_DEV_FB_FREE{$m})"
_ABSENT = (
    "The instances have no GPU, or Prometheus does not read NVIDIA's DCGM exporter, or does not name the "
    "pods that it reads."
)


def _of_pods(share: str) -> str:
    """Return the share of the fullest GPU of each pod of the service. share: with `$m` for matchers."""
    exported = share.replace("$m", 'exported_pod!=""')
    for label in _EXPORTED:
        exported = f'label_replace({exported}, "{label.removeprefix("exported_")}", "$1", "{label}", "(.+)")'
    kept = share.replace("$m", 'exported_pod="",pod!=""')
    own = 'max by (namespace, pod, job) (0 * up{$s,pod!=""} + 1)'
    return f"max by ({SERVICE}, pod) (({exported} or {kept}) * on (namespace, pod) group_left (job) {own})"


GPU_SIGNALS: tuple[SignalRow, ...] = (
    SignalRow(
        "gpu",
        "GPU, share of the time that it computes",
        DashboardRow.SATURATION,
        Unit.SHARE,
        one(_of_pods(_USE), "{{pod}}"),
        _ABSENT,
    ),
    SignalRow(
        "gpu-memory",
        "Memory of the GPU, share that is used",
        DashboardRow.SATURATION,
        Unit.SHARE,
        one(_of_pods(_MEMORY), "{{pod}}"),
        _ABSENT,
        Alarm("SlipwayGpuMemoryFilling", "A GPU's memory is nearly full.", minutes=10, ticket=0.95),
    ),
)
