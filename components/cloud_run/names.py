"""Names of what belongs to one service. Pure: the same service always gets the same names."""


def workers(name: str) -> str:
    """Return the name of a service's worker pool, and what those of its parts begin with."""
    return f"{name}-workers"


def console_url(project: str, region: str, name: str) -> str:
    return f"https://console.cloud.google.com/run/detail/{region}/{name}/metrics?project={project}"


def logs_command(project: str, region: str, name: str) -> str:
    return f"gcloud beta run services logs tail {name} --project {project} --region {region}"


def resource_filter(region: str, name: str) -> str:
    """Return the filter of Cloud Logging and Cloud Monitoring for what the revisions of a service write."""
    service = f'resource.labels.service_name="{name}" AND resource.labels.location="{region}"'
    return f'resource.type="cloud_run_revision" AND {service}'


def workers_filter(region: str, name: str) -> str:
    """Return the same filter for what the workers of a service write."""
    pool = f'resource.labels.worker_pool_name="{workers(name)}" AND resource.labels.location="{region}"'
    return f'resource.type="cloud_run_worker_pool" AND {pool}'


def curl(url: str, public: bool) -> str:
    """Return a curl command that calls the service, with the key in `$API_KEY`.

    Cloud Run reads `Authorization` of a private service as its own identity token, unless that is sent in
    `X-Serverless-Authorization`.
    Source: cloud.google.com/run/docs/authenticating/service-to-service
    """
    lines = [f"curl {url}/predict", '-H "Authorization: Bearer $API_KEY"']
    if not public:
        lines.append('-H "X-Serverless-Authorization: Bearer $(gcloud auth print-identity-token)"')
    lines += ["-H 'Content-Type: application/json'", """-d '{"text": "Your parcel is waiting"}'"""]
    return " \\\n  ".join(lines)
