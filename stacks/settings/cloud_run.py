"""The settings of the `cloud-run` target."""

from dataclasses import dataclass
from typing import ClassVar

from slipway.stacks.settings import checks
from slipway.stacks.settings.common import CloudSettings, project_setting, region_setting
from slipway.stacks.settings.setting import setting

_INGRESS = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-load-balancer": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
}


@dataclass(frozen=True, kw_only=True)
class CloudRunSettings(CloudSettings):
    """The settings of a service on Cloud Run, beyond those of every cloud."""

    specs: ClassVar[tuple[str, ...]] = ("cloud_run.spec.CloudRunSpec",)

    project: str = project_setting()
    region: str = region_setting("europe-west4")
    invokers: tuple[str, ...] = setting(
        "invokers",
        checks.texts('members of Google Cloud IAM, such as ["user:ada@example.com"]'),
        "Who may call a private service.",
    )
    check_invokers: bool | None = setting(
        "checkInvokers",
        checks.flag(),
        "Whether Cloud Run checks who calls; false with `public` where an organisation forbids allUsers.",
    )
    cpu_always: bool | None = setting(
        "cpuAlways",
        checks.flag(),
        "Whether instances keep their CPU between requests.",
        unset="only with a GPU",
    )
    ingress: str = setting("ingress", checks.choice(also=_INGRESS), "Where requests may come from.")
