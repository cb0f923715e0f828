"""The identity of one service in Google Cloud, and its right to read a model and the files of jobs."""

# Else the annotations import all of `gcp.storage`, for those who read no bucket too.
from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from .accounts import account_id

BUCKET_READER = "roles/storage.objectViewer"
BUCKET_USER = "roles/storage.objectUser"


def service_account(
    name: str, project: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> gcp.serviceaccount.Account:
    """Create the service's own account, so that another service's rights are never its own."""
    return gcp.serviceaccount.Account(
        f"{name}-account",
        account_id=account_id(name),
        display_name=f"Inference service {name}",
        project=project,
        opts=opts,
    )


def bucket_reader(
    name: str, bucket: str, account: gcp.serviceaccount.Account, parent: pulumi.Resource
) -> gcp.storage.BucketIAMMember:
    """Let the account of the service `name` read a bucket.

    Google has one of each grant, which would go with the old one if that were deleted later.
    """
    return gcp.storage.BucketIAMMember(
        f"{name}-{bucket}-reader",
        bucket=bucket,
        role=BUCKET_READER,
        member=account.member,
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )


def bucket_user(
    name: str, bucket: str, account: gcp.serviceaccount.Account, parent: pulumi.Resource
) -> gcp.storage.BucketIAMMember:
    """Let the account of the service `name` read and write the files of a bucket, for jobs that name some."""
    return gcp.storage.BucketIAMMember(
        f"{name}-{bucket}-user",
        bucket=bucket,
        role=BUCKET_USER,
        member=account.member,
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )
