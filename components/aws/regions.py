"""Facts that follow from the name of an AWS region. Pure."""

# Parts of AWS that are apart from the rest: docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def partition(region: str) -> str:
    """Return the second part of every ARN in the region, such as `aws` or `aws-cn`."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def console_host(region: str) -> str:
    """Return the host of the AWS console for the region."""
    return _CONSOLES.get(partition(region), f"{region}.console.aws.amazon.com")
