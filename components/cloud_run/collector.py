"""Google's collector next to the server: it reads the server's metrics and sends them to Cloud Monitoring.

An instance takes requests on one port, and its containers share a network of their own: the collector reads
the page of the metrics there, on a port that nothing else reaches. Memory in MiB, CPU in vCPU.
Source: docs.cloud.google.com/run/docs/monitoring-managed-prometheus-sidecar.
"""

import json
from collections.abc import Iterator

import pulumi
import pulumi_gcp as gcp

from ..fault import Fault
from ..google.secrets import EnvironmentSecret
from ..observability.args import Observability
from ..sizes import CLOUD_RUN_MIB, MIB_OF_A_GIB, quantity
from . import limits
from .spec import CloudRunSpec

IMAGE = (
    "us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/cloud-run-gmp-sidecar"
    "@sha256:f782d8c67ad3f0e54d791fbf7cc6c8d36bc9e15c4b68d8b38ef372674defe452"
)
# DOCS/deploying, of multiple containers: Google's own example gives a container of the side so much CPU.
CPU, MIB = 0.5, 512
SERVER, COLLECTOR = "server", "collector"
WRITER = "roles/monitoring.metricWriter"
# The name of its settings among the service's secrets; no variable of the server has a hyphen.
SETTINGS = "metrics-collector"
# service/listener.py: METRICS_PORT
_PORT = 9464
_PAGE = "/metrics"
_SCRAPED_SECONDS = 30
_FOLDER, _FILE = "/etc/rungmp", "config.yaml"


def collects(spec: CloudRunSpec) -> bool:
    return spec.observability is Observability.FULL


def settings_of(spec: CloudRunSpec) -> str:
    """Return the collector's file. Its name is the series' label `job`, next to the service's `namespace`."""
    endpoint = {"port": _port(spec), "path": _page(spec), "interval": f"{_SCRAPED_SECONDS}s"}
    settings = {
        "apiVersion": "monitoring.googleapis.com/v1beta",
        "kind": "RunMonitoring",
        "metadata": {"name": spec.name},
        "spec": {"endpoints": [endpoint]},
    }
    return json.dumps(settings, indent=1)  # which is YAML too


def server_environment(spec: CloudRunSpec) -> dict[str, pulumi.Input[str]]:
    """Return the variables that keep the page where the collector looks for it."""
    return {"METRICS_PORT": str(_port(spec))} if collects(spec) else {}


def _port(spec: CloudRunSpec) -> int:
    return int(spec.service.known_env.get("METRICS_PORT", _PORT))


def _page(spec: CloudRunSpec) -> str:
    return spec.service.known_env.get("METRICS_PATH", _PAGE)


def container(spec: CloudRunSpec) -> gcp.cloudrunv2.ServiceTemplateContainerArgsDict:
    """Return the collector's container, which starts once the server is ready and ends before it."""
    return {
        "name": COLLECTOR,
        "image": IMAGE,
        "depends_ons": [SERVER],
        "resources": {
            "limits": {"cpu": f"{round(CPU * 1000)}m", "memory": quantity(MIB)},
            "cpu_idle": not spec.cpu_always,
            "startup_cpu_boost": spec.startup_cpu_boost,
        },
        "volume_mounts": [{"name": COLLECTOR, "mount_path": _FOLDER}],
    }


def volume(kept: EnvironmentSecret) -> gcp.cloudrunv2.ServiceTemplateVolumeArgsDict:
    """Return the volume with its file. kept: the secret that holds it, which Google's collector expects."""
    item: gcp.cloudrunv2.ServiceTemplateVolumeSecretItemArgsDict = {"path": _FILE, "version": kept.version}
    return {"name": COLLECTOR, "secret": {"secret": kept.secret, "items": [item]}}


def writer(spec: CloudRunSpec, member: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Let the service's account write metrics; it reads none."""
    return gcp.projects.IAMMember(
        f"{spec.name}-metrics-writer", project=spec.project, role=WRITER, member=member, opts=opts
    )


def collector_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    """Yield why an instance has no room for the collector, or it would find no page."""
    if not collects(spec):
        return
    reason = "with `observability` full, whose collector runs next to the server"
    cpu, mib = spec.service.cpu, spec.service.memory_mib
    most_cpu = max(CLOUD_RUN_MIB)
    most_mib = max(high for _, high in CLOUD_RUN_MIB.values())
    if cpu < 1:
        yield Fault("cpu", f"{cpu:g}", "it takes 1 vCPU or more, or `observability` basic", reason, 1)
    if spec.service.gpu != limits.LARGE_GPU:
        if most_cpu - CPU < cpu <= most_cpu:
            below = max(each for each in CLOUD_RUN_MIB if each + CPU <= most_cpu)
            allowed = f"an instance has at most {most_cpu} vCPU, of which it takes {CPU:g}"
            yield Fault("cpu", f"{cpu:g}", allowed, reason, below)
        if most_mib - MIB < mib <= most_mib:
            allowed = f"an instance has at most {most_mib / MIB_OF_A_GIB:g} GiB, of which it takes {MIB} MiB"
            yield Fault(
                "memory_gib",
                f"{spec.service.memory_gib:.10g}",
                allowed,
                reason,
                (most_mib - MIB) / MIB_OF_A_GIB,
            )
    yield from _page_faults(spec)


def _page_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    found = spec.service.known_env
    where = found.get("METRICS", "own-port")
    if where != "own-port":
        reason = f", which is {where!r}, with `observability` full: its collector has no key"
        yield Fault("env", "METRICS", "set it to own-port, or leave it out", reason, verb="has")
    if found.get("METRICS_PORT") == "0":
        reason = ", which is 0, with `observability` full: its collector looks at one port"
        yield Fault("env", "METRICS_PORT", "name a port, or leave it out", reason, verb="has")


def collector_warnings(spec: CloudRunSpec) -> Iterator[str]:
    if collects(spec) and not spec.cpu_always:
        yield (
            "the collector has CPU only while requests are under way: the server's own metrics have gaps. "
            "`cpu_always` closes them, and is billed all the time."
        )
