"""The limits that apply to every service of Google Cloud, each with its source.

Collected on 2026-11-21.
"""

import re

# cloud.google.com/resource-manager/docs/creating-managing-projects; older ones carry their domain in front.
PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
# cloud.google.com/about/locations: where they are; their numbers grow.
REGION = re.compile(
    r"(africa|asia|australia|europe|me|northamerica|southamerica|us)-"
    r"(central|north|south|(north|south)?(east|west))[0-9]{1,2}"
)
# cloud.google.com/compute/docs/naming-resources; a network of another project is named in full.
NETWORK = re.compile(
    r"(projects/[a-z0-9:.-]+/(global/networks|regions/[a-z0-9-]+/subnetworks)/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
)
# cloud.google.com/about/locations, as of 2026-11.
REGIONS = frozenset(
    {
        *("africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2"),
        *("asia-northeast3", "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2"),
        *("asia-southeast3", "australia-southeast1", "australia-southeast2", "europe-central2"),
        *("europe-north1", "europe-north2", "europe-southwest1", "europe-west1", "europe-west2"),
        *("europe-west3", "europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west10"),
        *("europe-west12", "me-central1", "me-central2", "me-west1", "northamerica-northeast1"),
        *("northamerica-northeast2", "northamerica-south1", "southamerica-east1", "southamerica-west1"),
        *("us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2"),
        *("us-west3", "us-west4"),
    }
)
# cloud.google.com/compute/docs/regions-zones: a zone ends in one of these; two regions begin with b.
ZONE_LETTERS = "abcdef"
MISSING_ZONES = frozenset({"europe-west1-a", "us-east1-a"})
# IDs of a project in documentation, Google's and ours; they are unique in the world, and not the reader's.
PLACEHOLDERS = frozenset(
    {
        *("my-project", "my-project-id", "my-gcp-project", "your-project", "your-project-id"),
        *("your-gcp-project", "project-id", "example-project"),
    }
)
# cloud.google.com/resource-manager/docs/labels-overview: 64 labels; the provider adds one of its own.
LABELS = 63
# Letters of every alphabet, none in upper case.
LABEL_KEY = re.compile(r"[^\W\d_][\w-]{0,62}")
LABEL_VALUE = re.compile(r"[\w-]{0,63}")
# cloud.google.com/iam/docs/service-accounts-create: 6 to 30 characters.
ACCOUNT_CHARACTERS = 30
ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
ACCOUNT_EMAIL = re.compile(r"[a-z0-9.-]+@[a-z0-9.-]+\.[a-z]{2,}")
# cloud.google.com/logging/quotas#logs_retention_periods: the retention of a log bucket of one's own.
LOG_DAYS = range(1, 3650 + 1)
# pulumi-gcp 10.2.0, secretmanager.Secret.secret_id
SECRET_ID_CHARACTERS = 255
# cloud.google.com/monitoring/api/metrics_gcp_p_z, run/request_count: sampled every 60 seconds, and visible up
# to 180 seconds later. A bake of one minute would hold no whole sample.
LEAST_BAKE_MINUTES = 2
METRICS_LATE_SECONDS = 180
# google-cloud-run 0.16.2, run_v2 TrafficTargetAllocationType: to whatever is the latest, and by name.
TRAFFIC_TO_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
TRAFFIC_TO_REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
