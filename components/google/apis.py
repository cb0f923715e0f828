"""The APIs of a project that a component needs."""

from collections.abc import Iterable, Sequence

import pulumi
import pulumi_gcp as gcp


def enabled(
    name: str,
    project: pulumi.Input[str],
    apis: Iterable[str],
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
) -> list[pulumi.Resource]:
    """Enable APIs for the component `name`, for everything else to wait for.

    They are never disabled, because something else in the project may need them. after: what they wait for.
    """
    return [
        gcp.projects.Service(
            f"{name}-{api.removesuffix('.googleapis.com')}-api",
            service=api,
            project=project,
            disable_on_destroy=False,
            disable_dependent_services=False,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        )
        for api in apis
    ]
