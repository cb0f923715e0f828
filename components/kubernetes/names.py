"""Names of what belongs to one service. Pure: the same service always gets the same names."""


def cluster_host(name: str, namespace: str) -> str:
    """Return the host name of the service inside its cluster."""
    return f"{name}.{namespace}.svc.cluster.local"


def console_url(project: str, location: str, cluster: str, namespace: str, name: str) -> str:
    return (
        f"https://console.cloud.google.com/kubernetes/deployment/{location}/{cluster}/{namespace}/{name}/"
        f"overview?project={project}"
    )


def logs_command(namespace: str, context: str, selector: str, container: str) -> str:
    chosen = f"--context {context} " if context else ""
    return (
        f"kubectl {chosen}logs --namespace {namespace} --selector {selector} "
        f"--container {container} --prefix --follow"
    )


def curl(url: str) -> str:
    """Return a curl command that calls the service, with the key in `$API_KEY`."""
    lines = [f"curl {url}/predict", '-H "Authorization: Bearer $API_KEY"']
    lines += ["-H 'Content-Type: application/json'", """-d '{"text": "Your parcel is waiting"}'"""]
    return " \\\n  ".join(lines)
