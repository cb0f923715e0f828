"""Everything that a plan makes in Google Cloud has its API enabled, and a role of the guide that lets it.

What a resource type needs is written down here from Google's own pages, which no code reads.
"""

import re
from collections.abc import Iterator, Mapping

import pytest

from slipway.infra.plan.run import Plan
from tests.checkout import ROOT
from tests.stacks.targets import planned

# cloud.google.com/apis/docs, by the API that a resource belongs to. Grants on a project are read and set by
# the API of projects, and so is what is enabled: terraform-provider-google#11435.
APIS: Mapping[str, str] = {
    "gcp:artifactregistry/": "artifactregistry",
    "gcp:cloudrunv2/": "run",
    "gcp:cloudrun/": "run",
    "gcp:sql/": "sqladmin",
    "gcp:compute/": "compute",
    "gcp:container/": "container",
    "gcp:logging/": "logging",
    "gcp:monitoring/": "monitoring",
    "gcp:projects/": "cloudresourcemanager",
    "gcp:secretmanager/": "secretmanager",
    "gcp:serviceaccount/": "iam",
}
# Enabled in every new project: docs.cloud.google.com/service-usage/docs/enabled-service.
ALWAYS = ("gcp:storage/", "gcp:logging/")
# The predefined role that may create it: cloud.google.com/iam/docs/roles-permissions.
ROLES: Mapping[str, str] = {
    "gcp:artifactregistry/": "artifactregistry.admin",
    "gcp:cloudrunv2/": "run.admin",
    "gcp:cloudrun/": "run.admin",
    "gcp:sql/": "cloudsql.admin",
    "gcp:compute/": "compute.networkAdmin",
    "gcp:container/": "container.admin",
    "gcp:logging/": "logging.configWriter",
    "gcp:monitoring/": "monitoring.editor",
    "gcp:projects/service:": "serviceusage.serviceUsageAdmin",
    "gcp:projects/iAMMember:": "resourcemanager.projectIamAdmin",
    "gcp:secretmanager/": "secretmanager.admin",
    "gcp:serviceaccount/": "iam.serviceAccountAdmin",
    "gcp:storage/": "storage.admin",
}
BUCKET = {"model": f"gs://acme/model@{'1' * 16}"}
IMAGE = f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@sha256:{'0' * 64}"
STACKS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Cloud Run": ("cloud-run", {"domain": "api.example.com", "public": "true"}),
    "Cloud Run with a bucket": ("cloud-run", {**BUCKET, "image": IMAGE}),
    "Cloud Run with jobs": (
        "cloud-run",
        {"jobs": "true", "jobResults": "gs://acme-jobs/results/", "image": IMAGE},
    ),
    "GKE": ("gke", {"domain": "api.example.com", "public": "true"}),
    "GKE with a GPU": ("gke", {**BUCKET, "image": IMAGE, "gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi"}),
    "GKE on an existing cluster": ("gke", {**BUCKET, "image": IMAGE, "cluster": "shared"}),
}


def plan_of(stack: str) -> Plan:
    target, values = STACKS[stack]
    return planned(target, **values)


def types_of(plan: Plan) -> Iterator[str]:
    yield from sorted({r.type for r in plan.resources if r.type.startswith("gcp:")})


def found(table: Mapping[str, str], type_: str) -> str:
    [value] = [value for prefix, value in table.items() if type_.startswith(prefix)]
    return value


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_made_has_its_api_enabled_first(stack: str) -> None:
    plan = plan_of(stack)
    enabled = {
        resource.inputs["service"].removesuffix(".googleapis.com")
        for resource in plan.resources
        if resource.type == "gcp:projects/service:Service"
    }
    needed = {found(APIS, type_) for type_ in types_of(plan) if not type_.startswith(ALWAYS)}
    assert needed - enabled == set()
    assert ("containerfilesystem" in enabled) == any(_streams(plan))


def _streams(plan: Plan) -> Iterator[bool]:
    """Yield whether nodes stream images, for which they need the API: GKE how-to/image-streaming."""
    for resource in plan.resources:
        if resource.type == "gcp:container/nodePool:NodePool":
            yield resource.inputs["nodeConfig"]["gcfsConfig"]["enabled"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_guide_names_a_role_for_all_that_is_made(stack: str) -> None:
    guide = (ROOT / f"docs/guides/{STACKS[stack][0]}.md").read_text()
    named = set(re.findall(r"`roles/([A-Za-z.]+)`", guide))
    assert {found(ROLES, type_) for type_ in types_of(plan_of(stack))} - named == set()
    assert "gcloud services enable cloudresourcemanager.googleapis.com" in guide


def test_a_deployer_by_merging_has_the_role_for_a_models_bucket() -> None:
    guide = (ROOT / "docs/guides/pull-requests.md").read_text()
    granted = re.findall(r"add-iam-policy-binding gs://acme-models --role=roles/([a-zA-Z.]+)", guide)
    assert granted == ["storage.admin"]
