from slipway.components.aws.ecr import EcrRepository
from slipway.components.aws.regions import console_host, partition


def test_each_part_of_aws_has_its_own_arns_and_its_own_console() -> None:
    there = {region: (partition(region), console_host(region)) for region in ("eu-west-1", "cn-north-1")}
    assert there == {
        "eu-west-1": ("aws", "eu-west-1.console.aws.amazon.com"),
        "cn-north-1": ("aws-cn", "console.amazonaws.cn"),
    }
    assert partition("us-gov-west-1") == "aws-us-gov"
    assert console_host("us-gov-west-1") == "console.amazonaws-us-gov.com"


def test_the_arn_of_a_repository_names_its_account_and_its_part_of_aws() -> None:
    repository = EcrRepository("123456789012", "cn-north-1", "team/server")
    assert repository.arn == "arn:aws-cn:ecr:cn-north-1:123456789012:repository/team/server"
