"""Log buckets of one service in Cloud Logging: each kind of its lines is kept for its own number of days.

Owns a bucket and a sink for each kind, and the exclusion that keeps these lines out of the project's
`_Default` bucket, where they would stay for as long as the project keeps anything. What has no kind, such as
the platform's own messages, stays there. Reading a project's log finds a line in whichever bucket it is.
"""

# Else the annotations import all of `gcp.logging`, for those who only check.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from ..drawn_names import drawn_name
from ..fault import Fault
from ..log_retention import KINDS, retention_faults
from .limits import LOG_DAYS

_ALLOWED = f"Cloud Logging allows {LOG_DAYS[0]} to {LOG_DAYS[-1]} days"


@dataclass(frozen=True, slots=True)
class LogSource:
    """Which lines are a service's. location: a region, where they are kept.

    lines: a filter of Cloud Logging that matches all output of its containers. access: one for further lines
    of requests, which the platform writes itself; '' for none.
    """

    service: str
    project: pulumi.Input[str]
    location: pulumi.Input[str]
    lines: pulumi.Input[str]
    access: pulumi.Input[str] = ""


def google_retention_faults(given: Mapping[str, float]) -> Iterator[Fault]:
    """Yield which days of the argument `log_retention` Cloud Logging does not offer."""
    return retention_faults(given, LOG_DAYS, _ALLOWED)


def log_buckets(
    source: LogSource, days: Mapping[str, int], opts: pulumi.ResourceOptions, protect: bool
) -> None:
    """Create the buckets and what fills them. opts: of everything. protect: a bucket's lines from deletion.

    A deleted bucket keeps its name for a week, so each one's name is drawn:
    cloud.google.com/logging/docs/buckets#delete-bucket.
    """
    parent = opts.parent
    assert parent is not None
    place = {"project": source.project, "location": source.location}
    drawn = drawn_name(f"{source.service}-logs", source.service, place, parent)
    sinks = [_sink(source, kind, _bucket(source, kind, days, drawn, opts, protect), opts) for kind in KINDS]
    every = " OR ".join(f'"{kind}"' for kind in KINDS)
    gcp.logging.ProjectExclusion(
        f"{source.service}-log-exclusion",
        name=f"{source.service}-by-kind",
        project=source.project,
        description=f"Lines of {source.service} that are kept in buckets of their own",
        filter=_matching(source, f"jsonPayload.kind=({every})", with_access=True),
        opts=_merged(opts, depends_on=[*sinks], delete_before_replace=True),
    )


def _bucket(
    source: LogSource,
    kind: str,
    days: Mapping[str, int],
    drawn: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
    protect: bool,
) -> gcp.logging.ProjectBucketConfig:
    return gcp.logging.ProjectBucketConfig(
        f"{source.service}-{kind}-log",
        bucket_id=pulumi.Output.concat(drawn, "-", kind),
        project=source.project,
        location=source.location,
        retention_days=days[kind],
        description=f"The {kind} log of {source.service}",
        opts=_merged(opts, ignore_changes=["bucketId"], protect=protect),
    )


def _sink(
    source: LogSource, kind: str, bucket: gcp.logging.ProjectBucketConfig, opts: pulumi.ResourceOptions
) -> gcp.logging.ProjectSink:
    """Create a sink, which needs no right of its own to a bucket of its project.

    cloud.google.com/logging/docs/export/configure_export_v2#dest-auth
    """
    return gcp.logging.ProjectSink(
        f"{source.service}-{kind}-sink",
        name=f"{source.service}-{kind}",
        project=source.project,
        description=f"The {kind} log of {source.service}",
        destination=pulumi.Output.concat("logging.googleapis.com/", bucket.id),
        filter=_matching(source, f'jsonPayload.kind="{kind}"', with_access=kind == "access"),
        opts=_merged(opts, delete_before_replace=True),
    )


def _matching(source: LogSource, condition: str, *, with_access: bool) -> pulumi.Output[str]:
    """Return a filter: its lines that meet the condition, and perhaps the platform's lines of requests."""

    def joined(filters: list[str]) -> str:
        lines, access = filters
        own = f"({lines}) AND {condition}"
        return f"({own}) OR ({access})" if access and with_access else own

    return pulumi.Output.all(source.lines, source.access).apply(joined)


def _merged(opts: pulumi.ResourceOptions, **more: object) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(**more))  # pyright: ignore[reportArgumentType]
