"""How kubectl and Pulumi reach a GKE cluster. Pure; imports no cloud SDK."""

import json

PLUGIN = "gke-gcloud-auth-plugin"
PLUGIN_HINT = (
    "https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl shows how to get it; "
    f"with the Google Cloud CLI: `gcloud components install {PLUGIN}`"
)


def context_name(project: str, location: str, cluster: str) -> str:
    """Return the context's name that `gcloud container clusters get-credentials` gives it."""
    return f"gke_{project}_{location}_{cluster}"


def kubeconfig(context: str, endpoint: str, ca_certificate: str) -> str:
    """Return a kubeconfig as JSON, which is also YAML.

    It holds no secret: the plugin gets a token with the user's own login.
    ca_certificate: Base64. The plugin speaks v1beta1 only:
    github.com/kubernetes/cloud-provider-gcp, cmd/gke-gcloud-auth-plugin.
    """
    user = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": PLUGIN,
        "installHint": PLUGIN_HINT,
        "provideClusterInfo": True,
    }
    cluster = {"server": f"https://{endpoint}", "certificate-authority-data": ca_certificate}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": cluster}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
            "current-context": context,
            "users": [{"name": context, "user": {"exec": user}}],
        },
        indent=2,
    )


def credentials_command(project: str, location: str, cluster: str) -> str:
    """Return the command that adds the cluster to the user's kubeconfig."""
    return f"gcloud container clusters get-credentials {cluster} --location {location} --project {project}"
