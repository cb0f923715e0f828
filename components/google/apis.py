"""The APIs of a project that a component needs."""

from collections.abc import Iterable, Sequence

import pulumi
import pulumi_gcp as gcp

# The provider reads the project itself through it, so every other resource needs it, the enabling of an API
# included: github.com/hashicorp/terraform-provider-google/issues/11435.
PROJECTS_API = "cloudresourcemanager.googleapis.com"


def enabled(
    name: str,
    project: pulumi.Input[str],
    apis: Iterable[str],
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
) -> list[pulumi.Resource]:
    """Enable APIs for the component `name`, for everything else to wait for; that of projects comes first.

    They are never disabled, because something else in the project may need them. after: what they wait for.
    """
    first = _enabled(name, project, PROJECTS_API, parent, after)
    return [first, *(_enabled(name, project, api, parent, [*after, first]) for api in apis)]


def _enabled(
    name: str,
    project: pulumi.Input[str],
    api: str,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> pulumi.Resource:
    return gcp.projects.Service(
        f"{name}-{api.removesuffix('.googleapis.com')}-api",
        service=api,
        project=project,
        disable_on_destroy=False,
        disable_dependent_services=False,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )
