"""The limits that apply to every AWS service, each with its source. Collected on 2026-11-21.

BC: botocore 1.44.5, the documentation in its service models. DOCS: docs.aws.amazon.com.
"""

import re

# docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions: where they are; their numbers grow.
REGION = re.compile(
    r"((af|ap|ca|cn|eu|il|me|mx|sa|us)(-gov)?|us-iso[bef]?|eu-isoe|eusc-de)-"
    r"(central|north|south|(north|south)?(east|west))-[0-9]{1,2}"
)
# botocore 1.44.5, endpoints.json: where ECS is.
REGIONS = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
        *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
        *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1"),
        *("cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
        *("eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1"),
        *("mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1"),
        *("us-west-1", "us-west-2", "eusc-de-east-1", "eu-isoe-west-1", "us-iso-east-1", "us-iso-west-1"),
        *("us-isob-east-1", "us-isob-west-1", "us-isof-east-1", "us-isof-south-1"),
    }
)
# DOCS tag-editor/latest/userguide/tagging: 50 tags.
TAGS = 50
TAG_KEY = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}")
TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
# DOCS service-authorization/latest/reference/list_amazonelasticcontainerregistry: to pull an image. The login
# has no resource.
LOGIN_ACTION = "ecr:GetAuthorizationToken"
PULL_ACTIONS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
# BC secretsmanager NameType
SECRET_NAME_CHARACTERS = 512
_ARN = r"arn:aws[a-z-]*"
CLUSTER_ARN = re.compile(rf"{_ARN}:ecs:[a-z0-9-]+:[0-9]{{12}}:cluster/[A-Za-z0-9_-]{{1,255}}")
ROLE_ARN = re.compile(rf"{_ARN}:iam::[0-9]{{12}}:role/[\w+=,.@/-]+", re.ASCII)
CERTIFICATE_ARN = re.compile(rf"{_ARN}:acm:[a-z0-9-]+:[0-9]{{12}}:certificate/[0-9a-f-]{{36}}")
LISTENER_ARN = re.compile(
    rf"{_ARN}:elasticloadbalancing:[a-z0-9-]+:[0-9]{{12}}:listener/app/[A-Za-z0-9-]+/[0-9a-f]+/[0-9a-f]+"
)
