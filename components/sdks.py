"""The packages that only some uses need, such as the clouds' SDKs, and how each is installed."""

# Package -> the extra of pyproject.toml that has it.
_EXTRAS = {
    "pulumi_gcp": "gcp",
    "pulumi_aws": "aws",
    "pulumi_kubernetes": "kubernetes",
    "pulumi_docker": "docker",
    "pulumi_docker_build": "images",
    "obstore": "buckets",
}


def installed_by(package: str) -> str:
    """Return how to install the package, as the end of a sentence: by pip, and in a checkout of Slipway."""
    extra = _EXTRAS.get(package, "all")
    return f"`pip install 'slipway[{extra}]'`, or in a checkout of Slipway `make setup-cloud`"
