"""Who hears of a service: a topic that alarms and failed deployments are sent to, and an address it mails.

The topic has no key of its own: CloudWatch cannot send to one that is encrypted with the key of SNS, and a
key of the customer's costs more than all alarms. Its messages have names and numbers, and nothing of a
request.
"""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from ..observability.prometheus import RUNBOOKS, anchor
from ..observability.signals import BY_KEY
from .names import deployments_rule_name, topic_name
from .spec import FargateSpec

_VERSION = "2012-10-17"
_FAILED = "SERVICE_DEPLOYMENT_FAILED"


def topic_of(
    spec: FargateSpec, cluster: pulumi.Input[str], parent: pulumi.Resource
) -> pulumi.Output[str] | None:
    """Create the topic, with what may send to it and who is told; return its ARN. None without an address.

    cluster: ARN of the service's cluster. Names come back when a change is undone, so the old ones go first.
    """
    if not spec.alert_email:
        return None
    options = pulumi.ResourceOptions(parent=parent, delete_before_replace=True)
    topic = aws.sns.Topic(
        f"{spec.name}-alarm-topic",
        name=topic_name(spec.name),
        region=spec.region,
        tags=spec.service.labels or None,
        opts=options,
    )
    rule = _deployments_rule(spec, cluster, options)
    policy = aws.sns.TopicPolicy(
        f"{spec.name}-alarm-topic-policy",
        arn=topic.arn,
        region=spec.region,
        policy=pulumi.Output.all(topic.arn, rule.arn).apply(lambda arns: topic_policy(*arns)),
        opts=options,
    )
    aws.sns.TopicSubscription(
        f"{spec.name}-alarm-subscription",
        topic=topic.arn,
        region=spec.region,
        protocol="email",
        endpoint=spec.alert_email,
        opts=options,
    )
    _deployments_target(spec, rule, topic, policy, parent)
    return topic.arn


def topic_policy(topic: str, rule: str) -> str:
    """Return what may send to a topic: alarms of its account and region, and one rule. Both are ARNs.

    docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases, and eventbridge/latest/userguide/
    eb-use-resource-based.
    """
    _, partition, _, region, account, _ = topic.split(":")
    alarms = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"
    senders = {"cloudwatch": alarms, "events": rule}
    statements = [_may_send(f"{sender}.amazonaws.com", topic, source) for sender, source in senders.items()]
    return json.dumps({"Version": _VERSION, "Statement": statements})


def _may_send(service: str, topic: str, source: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }


def service_arn(cluster: str, name: str) -> str:
    """Return the ARN of a service of a cluster, which is known before the service is there."""
    return f"{cluster.replace(':cluster/', ':service/')}/{name}"


def _deployments_rule(
    spec: FargateSpec, cluster: pulumi.Input[str], options: pulumi.ResourceOptions
) -> aws.cloudwatch.EventRule:
    """Create the rule that finds failed deployments.

    docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events
    """

    def pattern(cluster_arn: str) -> str:
        return json.dumps(
            {
                "source": ["aws.ecs"],
                "detail-type": ["ECS Deployment State Change"],
                "resources": [service_arn(cluster_arn, spec.name)],
                "detail": {"eventName": [_FAILED]},
            }
        )

    return aws.cloudwatch.EventRule(
        f"{spec.name}-deployments-rule",
        name=deployments_rule_name(spec.name),
        region=spec.region,
        description=f"Failed deployments of the inference service {spec.name}",
        event_pattern=pulumi.Output.from_input(cluster).apply(pattern),
        tags=spec.service.labels or None,
        opts=options,
    )


def _deployments_target(
    spec: FargateSpec,
    rule: aws.cloudwatch.EventRule,
    topic: aws.sns.Topic,
    policy: pulumi.Resource,
    parent: pulumi.Resource,
) -> None:
    """Send what the rule finds to the topic, as a sentence."""
    alarm = BY_KEY["deployments"].alarm
    assert alarm is not None  # the row is described with one
    page = f"{spec.runbooks_url or RUNBOOKS}#{anchor(alarm)}"
    text = f'"{spec.name}: {alarm.meaning} <reason> What to do: {page}"'
    aws.cloudwatch.EventTarget(
        f"{spec.name}-deployments-target",
        rule=rule.name,
        region=spec.region,
        target_id="topic",
        arn=topic.arn,
        input_transformer={"input_paths": {"reason": "$.detail.reason"}, "input_template": text},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy], delete_before_replace=True),
    )
