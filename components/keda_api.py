"""Names by which KEDA and its HTTP add-on are known in a cluster, and a service behind the add-on. Pure.

The add-on's are those of its chart: github.com/kedacore/charts, http-add-on.
"""

API = "keda.sh/v1alpha1"
HTTP_ADD_ON_API = "http.keda.sh/v1beta1"
# Where the instructions of both install them.
NAMESPACE = "keda"
INTERCEPTOR = "keda-add-ons-http-interceptor-proxy"
INTERCEPTOR_PORT = 8080
EXTERNAL_SCALER = "keda-add-ons-http-external-scaler"
EXTERNAL_SCALER_PORT = 9090


def proxy_name(service: str) -> str:
    """Return the name of the Service by which callers reach the interceptor."""
    return f"{service}-proxy"


def proxy_url(service: str, namespace: str) -> str:
    """Return the URL of a service that the interceptor wakes, inside its cluster."""
    return f"http://{proxy_name(service)}.{namespace}.svc.cluster.local:{INTERCEPTOR_PORT}"
