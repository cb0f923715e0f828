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
# cloud.google.com/resource-manager/docs/labels-overview: 64 labels; the provider adds one of its own.
LABELS = 63
# Letters of every alphabet, none in upper case.
LABEL_KEY = re.compile(r"[^\W\d_][\w-]{0,62}")
LABEL_VALUE = re.compile(r"[\w-]{0,63}")
# cloud.google.com/iam/docs/service-accounts-create: 6 to 30 characters.
ACCOUNT_CHARACTERS = 30
ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
ACCOUNT_EMAIL = re.compile(r"[a-z0-9.-]+@[a-z0-9.-]+\.[a-z]{2,}")
# pulumi-gcp 10.2.0, secretmanager.Secret.secret_id
SECRET_ID_CHARACTERS = 255
