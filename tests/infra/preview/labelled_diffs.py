"""Changes of stack files with the verdict an operator would give, written before any rule was read.

Labelled from the settings' reference and the clouds' documentation alone: `safe` is what neither
callers, operators nor the bill notice, `look` what they may notice, `dangerous` what loses or stops
the service or its data, opens what was closed, breaks or switches off a mandatory rule, or cannot be
deployed. A setting with the value None is removed.
"""

from typing import Any, NamedTuple


class Diff(NamedTuple):
    """One change of one stack file: `set` over the settings of `BASES[base]` and `before`."""

    name: str
    base: str
    before: dict[str, Any]
    set: dict[str, Any]
    label: str
    because: str


BASES: dict[str, dict[str, Any]] = {
    "cloud-run": {
        "target": "cloud-run",
        "project": "acme-models",
        "region": "europe-west4",
        "model": "bundled:sms-spam",
        "cpu": "1",
        "memory": "1Gi",
        "minInstances": "1",
        "maxInstances": "5",
        "invokers": ["user:ada@example.com", "group:shop@example.com"],
    },
    "fargate": {
        "target": "fargate",
        "region": "eu-west-1",
        "zones": ["eu-west-1a", "eu-west-1b"],
        "model": "bundled:sms-spam",
        "cpu": "1",
        "memory": "2Gi",
        "minInstances": "2",
        "maxInstances": "6",
        "domain": "spam.example.com",
        "certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
        "allowedCidrs": ["203.0.113.0/24", "198.51.100.0/24"],
    },
    "gke": {
        "target": "gke",
        "project": "acme-models",
        "region": "europe-west4",
        "zones": ["europe-west4-a", "europe-west4-b"],
        "model": "bundled:sms-spam",
        "backend": "torch",
        "gpu": "nvidia-l4",
        "cpu": "3",
        "memory": "8Gi",
        "minInstances": "2",
        "maxInstances": "4",
        "maxNodes": "5",
        "controlPlaneCidrs": ["203.0.113.0/24"],
        "allowedNamespaces": ["shop"],
    },
    "kubernetes": {
        "target": "kubernetes",
        "image": "ghcr.io/acme/spam@sha256:" + "1" * 64,
        "cpu": "1",
        "memory": "1Gi",
        "minInstances": "2",
        "maxInstances": "6",
        "allowedNamespaces": ["shop"],
    },
    "local": {"target": "local", "model": "bundled:sms-spam", "cpu": "1", "memory": "1Gi", "port": "8000"},
}

_INGRESS = {
    "allowedNamespaces": None,
    "public": "true",
    "domain": "spam.example.com",
    "tlsSecret": "spam-tls",
    "ingressClass": "nginx",
    "ingressAnnotations": {"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"},
}
_VPC = {
    "zones": None,
    "network": "vpc-0123456789abcdef0",
    "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "taskSubnets": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
}

DIFFS = [
    # Harmless.
    Diff("the same memory in MiB", "cloud-run", {}, {"memory": "1024Mi"}, "safe", "1 GiB is 1024 MiB"),
    Diff(
        "a default written out",
        "cloud-run",
        {},
        {"cpuAlways": "false", "ingress": "all"},
        "safe",
        "the defaults",
    ),
    Diff(
        "a default written out on Fargate",
        "fargate",
        {},
        {"architecture": "x86_64", "internal": "false"},
        "safe",
        "same",
    ),
    Diff(
        "a label for the cost report",
        "cloud-run",
        {},
        {"labels": {"team": "ml"}},
        "safe",
        "a label bills and serves nothing",
    ),
    Diff("tags on Fargate", "fargate", {}, {"labels": {"team": "ml"}}, "safe", "tags change in place"),
    Diff(
        "the allowed networks in another order",
        "fargate",
        {},
        {"allowedCidrs": ["198.51.100.0/24", "203.0.113.0/24"]},
        "safe",
        "a set",
    ),
    Diff(
        "the callers in another order",
        "cloud-run",
        {},
        {"invokers": ["group:shop@example.com", "user:ada@example.com"]},
        "safe",
        "a set",
    ),
    Diff(
        "logs kept for twice as long",
        "fargate",
        {"logRetentionDays": "30"},
        {"logRetentionDays": "60"},
        "safe",
        "cents",
    ),
    Diff(
        "a rule made stricter",
        "fargate",
        {},
        {"policy": {"probe": "mandatory"}},
        "safe",
        "stricter, and not broken",
    ),
    Diff(
        "scaling a little earlier",
        "fargate",
        {},
        {"cpuTarget": "55"},
        "safe",
        "within the same minimum and maximum",
    ),
    Diff("protection written out", "fargate", {}, {"deletionProtection": "true"}, "safe", "the default"),
    Diff(
        "assumed requests",
        "cloud-run",
        {},
        {"usage": {"requests": 1200000}},
        "safe",
        "an assumption of the estimate alone",
    ),
    # For a person to look at.
    Diff(
        "another image",
        "kubernetes",
        {},
        {"image": "ghcr.io/acme/spam@sha256:" + "2" * 64},
        "look",
        "other code runs",
    ),
    Diff("half the memory", "cloud-run", {}, {"memory": "512Mi"}, "look", "less room for the model"),
    Diff("one instance less", "kubernetes", {}, {"minInstances": "1"}, "look", "no redundancy at rest"),
    Diff("all on Spot", "fargate", {}, {"spotPercent": "100"}, "look", "may be reclaimed"),
    Diff("nodes on Spot", "gke", {}, {"spot": "true"}, "look", "may be reclaimed, all at once"),
    Diff(
        "a hundred times the instances",
        "cloud-run",
        {},
        {"maxInstances": "500"},
        "look",
        "a bill of thousands at worst",
    ),
    Diff("ARM", "fargate", {}, {"architecture": "arm64"}, "look", "another image on another processor"),
    Diff(
        "a caller less", "cloud-run", {}, {"invokers": ["user:ada@example.com"]}, "look", "the shop gets 403"
    ),
    Diff(
        "a network less", "fargate", {}, {"allowedCidrs": ["203.0.113.0/24"]}, "look", "its callers time out"
    ),
    Diff(
        "one more namespace",
        "kubernetes",
        {},
        {"allowedNamespaces": ["shop", "search"]},
        "look",
        "one more may call, by name",
    ),
    Diff(
        "protection switched off",
        "fargate",
        {},
        {"deletionProtection": "false"},
        "look",
        "destroy is possible from now on",
    ),
    Diff(
        "an early version of Kubernetes",
        "gke",
        {},
        {"releaseChannel": "rapid"},
        "look",
        "versions with less use behind them",
    ),
    Diff(
        "larger nodes",
        "gke",
        {"machineType": "g2-standard-8"},
        {"machineType": "g2-standard-16"},
        "look",
        "a new pool, hundreds a month",
    ),
    Diff(
        "a short timeout", "cloud-run", {"timeout": "300"}, {"timeout": "5"}, "look", "slow requests are cut"
    ),
    Diff(
        "a role from elsewhere",
        "fargate",
        {},
        {"taskRole": "arn:aws:iam::123456789012:role/analytics"},
        "look",
        "its rights are not known",
    ),
    Diff(
        "ten times the budget",
        "fargate",
        {"budget": "600"},
        {"budget": "6000"},
        "look",
        "a limit that no longer limits",
    ),
    Diff("another port", "local", {}, {"port": "9000"}, "look", "callers use the old one"),
    Diff(
        "nodes that share a GPU",
        "gke",
        {},
        {"gpuSharing": "time-sharing", "gpuClients": "4"},
        "look",
        "each gets a share",
    ),
    # Dangerous.
    Diff(
        "every Google account",
        "cloud-run",
        {},
        {"invokers": ["allAuthenticatedUsers"]},
        "dangerous",
        "anyone with an account",
    ),
    Diff(
        "every Google account through a group",
        "cloud-run",
        {},
        {"invokers": ["domain:googlemail.com"]},
        "dangerous",
        "a public domain",
    ),
    Diff(
        "ingress from the internet",
        "cloud-run",
        {"ingress": "internal"},
        {"ingress": "all"},
        "dangerous",
        "was reachable from the network alone",
    ),
    Diff(
        "another region",
        "cloud-run",
        {},
        {"region": "us-central1"},
        "dangerous",
        "the URL and the service go",
    ),
    Diff(
        "another name", "cloud-run", {}, {"name": "spam"}, "dangerous", "all is made anew, under another URL"
    ),
    Diff(
        "private, and nobody may call",
        "cloud-run",
        {"public": "true", "invokers": None},
        {"public": None},
        "dangerous",
        "every caller gets 403",
    ),
    Diff(
        "a password in plain text",
        "cloud-run",
        {},
        {"env": {"CACHE_URL": "redis://:hunter2hunter2@10.0.0.3:6379/0"}},
        "dangerous",
        "a credential that everyone reads",
    ),
    Diff(
        "a key said to be none",
        "cloud-run",
        {},
        {"env": {"PAYMENT_KEY": "sk_live_51H8xQz2eZvKYlo2C0aBcDeF"}, "plainEnv": ["PAYMENT_KEY"]},
        "dangerous",
        "the exception hides a live key",
    ),
    Diff(
        "a large network of the internet",
        "fargate",
        {},
        {"allowedCidrs": ["203.0.113.0/24", "52.0.0.0/8"]},
        "dangerous",
        "16 million rentable addresses",
    ),
    Diff(
        "two halves of the internet",
        "fargate",
        {},
        {"allowedCidrs": ["0.0.0.0/1", "128.0.0.0/1"]},
        "dangerous",
        "together every address",
    ),
    Diff(
        "a balancer that was inside",
        "fargate",
        {**_VPC, "internal": "true", "allowedCidrs": ["10.0.0.0/8"]},
        {"internal": "false"},
        "dangerous",
        "public addresses, and another balancer",
    ),
    Diff("no certificate", "fargate", {}, {"certificate": None}, "dangerous", "keys and texts in plain HTTP"),
    Diff(
        "stopped at night",
        "fargate",
        {},
        {"schedule": {"night": "cron(0 22 * * ? *) 0-0 UTC"}},
        "dangerous",
        "no instance, and none comes back by itself",
    ),
    Diff(
        "no instance at all",
        "fargate",
        {},
        {"minInstances": "0", "maxInstances": "1"},
        "dangerous",
        "Fargate does not start from zero by requests",
    ),
    Diff(
        "another network",
        "fargate",
        _VPC,
        {"network": "vpc-0fedcba9876543210", "subnets": ["subnet-0a", "subnet-0b"]},
        "dangerous",
        "all of it moves",
    ),
    Diff(
        "a mandatory budget let go",
        "fargate",
        {"budget": "600", "policy": {"budget": "mandatory"}},
        {"policy": None},
        "dangerous",
        "a mandatory rule is switched off",
    ),
    Diff(
        "a rule from mandatory to advisory",
        "fargate",
        {},
        {"policy": {"public": "advisory"}},
        "dangerous",
        "the gate no longer holds",
    ),
    Diff(
        "no network policy",
        "kubernetes",
        {},
        {"networkPolicy": "false"},
        "dangerous",
        "every pod may call, and the server anywhere",
    ),
    Diff(
        "a range that the Ingress let in, gone",
        "kubernetes",
        _INGRESS,
        {"ingressAnnotations": None},
        "dangerous",
        "the whole internet may call",
    ),
    Diff(
        "HTTPS gone", "kubernetes", _INGRESS, {"tlsSecret": None}, "dangerous", "keys and texts in plain HTTP"
    ),
    Diff(
        "another namespace",
        "kubernetes",
        {"namespace": "models"},
        {"namespace": "spam"},
        "dangerous",
        "all is deleted and made anew",
    ),
    Diff(
        "the namespace is no longer ours",
        "kubernetes",
        {"namespace": "models", "createNamespace": "true"},
        {"createNamespace": "false"},
        "dangerous",
        "Pulumi deletes it with all that is in it",
    ),
    Diff(
        "an image by tag",
        "kubernetes",
        {},
        {"image": "ghcr.io/acme/spam:latest"},
        "dangerous",
        "refused, or unknown code",
    ),
    Diff(
        "a zonal control plane",
        "gke",
        {},
        {"location": "europe-west4-a"},
        "dangerous",
        "the cluster is replaced",
    ),
    Diff(
        "nodes with public addresses",
        "gke",
        {},
        {"privateNodes": "false"},
        "dangerous",
        "nodes on the internet",
    ),
    Diff(
        "the control plane for a provider's network",
        "gke",
        {},
        {"controlPlaneCidrs": ["203.0.113.0/24", "34.0.0.0/8"]},
        "dangerous",
        "anyone who rents there",
    ),
    Diff(
        "another cluster",
        "gke",
        {"cluster": "blue", "controlPlaneCidrs": None, "zones": None},
        {"cluster": "green"},
        "dangerous",
        "leaves one cluster for another",
    ),
    Diff(
        "another cloud",
        "cloud-run",
        {},
        {"target": "fargate", "region": "eu-west-1", "project": None, "invokers": None},
        "dangerous",
        "all is deleted",
    ),
]
