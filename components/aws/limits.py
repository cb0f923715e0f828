"""The limits that apply to every AWS service, each with its source. Collected on 2026-11-21.

BC: botocore 1.44.5, the documentation in its service models. DOCS: docs.aws.amazon.com.
"""

import re

# docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions: where they are; their numbers grow.
REGION = re.compile(
    r"((af|ap|ca|cn|eu|il|me|mx|sa|us)(-gov)?|us-iso[bef]?|eu-isoe|eusc-de)-"
    r"(central|north|south|(north|south)?(east|west))-[0-9]{1,2}"
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
