"""What Google answers to the registrations and lookups of a GKE cluster."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp

ENDPOINT = "203.0.113.7"
CERTIFICATE = "LS0tLS1CRUdJTi0tLS0t"

GKE_OUTPUTS: Mapping[type[pulumi.CustomResource], Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    gcp.projects.IAMMember: lambda i: {"id": f"{i['project']}/{i['role']}/{i['member']}"},
    gcp.artifactregistry.Repository: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/repositories/{i['repositoryId']}"
    },
    gcp.artifactregistry.RepositoryIamMember: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/repositories/{i['repository']}/{i['role']}"
    },
    gcp.container.Cluster: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/clusters/{i['name']}",
        "endpoint": ENDPOINT,
        "masterAuth": {"clusterCaCertificate": CERTIFICATE},
    },
    gcp.container.NodePool: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/clusters/{i['cluster']}"
        f"/nodePools/{i['name']}"
    },
}

# The provider functions that a program asks, by their tokens.
GKE_ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "gcp:container/getCluster:getCluster": lambda a: {
        "id": f"projects/{a['project']}/locations/{a['location']}/clusters/{a['name']}",
        "endpoint": ENDPOINT,
        "masterAuths": [{"clusterCaCertificate": CERTIFICATE}],
    }
}
