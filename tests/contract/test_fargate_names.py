"""What a Fargate service is called: names are state, and AWS has rules for them."""

import json
import re

import pulumi_aws as aws

from tests.contract.fargate_cases import PLAIN, SHARED
from tests.contract.fargate_services import EVERYTHING, services

SNAPSHOT = [
    ("aws:appautoscaling/policy:Policy", "api-cpu-scaling"),
    ("aws:appautoscaling/policy:Policy", "api-requests-scaling"),
    ("aws:appautoscaling/scheduledAction:ScheduledAction", "api-morning-schedule"),
    ("aws:appautoscaling/target:Target", "api-scaling"),
    ("aws:cloudwatch/dashboard:Dashboard", "api-dashboard"),
    ("aws:cloudwatch/eventRule:EventRule", "api-deployments-rule"),
    ("aws:cloudwatch/eventTarget:EventTarget", "api-deployments-target"),
    ("aws:cloudwatch/logGroup:LogGroup", "api-log"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-availability-page-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-cpu-use-ticket-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-instances-page-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-latency-page-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-memory-ticket-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-ready-ticket-alarm"),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "api-default-group"),
    ("aws:ec2/internetGateway:InternetGateway", "api-gateway"),
    ("aws:ec2/route:Route", "api-public-route"),
    ("aws:ec2/routeTable:RouteTable", "api-private-routes"),
    ("aws:ec2/routeTable:RouteTable", "api-public-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-private-eu-west-1a-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-private-eu-west-1b-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-public-eu-west-1a-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-public-eu-west-1b-routes"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-balancer-group"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-endpoint-group"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-task-group"),
    ("aws:ec2/subnet:Subnet", "api-private-eu-west-1a"),
    ("aws:ec2/subnet:Subnet", "api-private-eu-west-1b"),
    ("aws:ec2/subnet:Subnet", "api-public-eu-west-1a"),
    ("aws:ec2/subnet:Subnet", "api-public-eu-west-1b"),
    ("aws:ec2/vpc:Vpc", "api-vpc"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-ecr.api-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-ecr.dkr-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-logs-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-s3-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-secretsmanager-endpoint"),
    ("aws:ecs/cluster:Cluster", "api-cluster"),
    ("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "api-capacity"),
    ("aws:ecs/service:Service", "api-service"),
    ("aws:ecs/taskDefinition:TaskDefinition", "api-task"),
    ("aws:iam/role:Role", "api-execution-role"),
    ("aws:iam/role:Role", "api-task-role"),
    ("aws:iam/rolePolicy:RolePolicy", "api-execution-policy"),
    ("aws:iam/rolePolicy:RolePolicy", "api-task-policy"),
    ("aws:lb/listener:Listener", "api-http-listener"),
    ("aws:lb/listener:Listener", "api-https-listener"),
    ("aws:lb/loadBalancer:LoadBalancer", "api-balancer"),
    ("aws:lb/targetGroup:TargetGroup", "api-targets"),
    ("aws:secretsmanager/secret:Secret", "api-HF_TOKEN-secret"),
    ("aws:secretsmanager/secret:Secret", "api-MODEL_API_KEY-secret"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "api-HF_TOKEN-version"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "api-MODEL_API_KEY-version"),
    ("aws:sns/topic:Topic", "api-alarm-topic"),
    ("aws:sns/topicPolicy:TopicPolicy", "api-alarm-topic-policy"),
    ("aws:sns/topicSubscription:TopicSubscription", "api-alarm-subscription"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-balancer-egress"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-task-endpoint-egress"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-task-s3-egress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-balancer-203.0.113.0/24-443-ingress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-balancer-203.0.113.0/24-80-ingress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-endpoint-ingress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-task-ingress"),
    ("random:index/randomId:RandomId", "api-HF_TOKEN-secret-suffix"),
    ("random:index/randomId:RandomId", "api-MODEL_API_KEY-secret-suffix"),
    ("random:index/randomId:RandomId", "api-balancer-suffix"),
    ("random:index/randomId:RandomId", "api-execution-policy-suffix"),
    ("random:index/randomId:RandomId", "api-targets-suffix"),
    ("random:index/randomId:RandomId", "api-task-policy-suffix"),
    ("random:index/randomPassword:RandomPassword", "api-api-key"),
]


def test_type_name_and_parent_of_every_resource_stay_as_they_are() -> None:
    """A change here replaces what people run, unless it carries an alias."""
    emitted = services("api", args=EVERYTHING)
    top = [r for r in emitted.resources if not r.custom]
    assert [(r.type, r.name) for r in top] == [
        ("pulumi:pulumi:Stack", "demo-dev"),
        ("slipway:index:FargateService", "api"),
    ]
    made = [r for r in emitted.resources if r.custom]
    assert sorted((r.type, r.name) for r in made) == SNAPSHOT
    assert {r.parent for r in made} == {top[1].urn}


def test_a_rule_on_an_existing_listener_stays_as_it_is() -> None:
    emitted = services("api", args=SHARED)
    assert [r.name for r in emitted.of_type(aws.lb.ListenerRule)] == ["api-listener-rule"]
    types = {r.type for r in emitted.resources}
    assert not types & {
        vars(cls)["pulumi_type"] for cls in (aws.ec2.Vpc, aws.lb.LoadBalancer, aws.lb.Listener)
    }


def test_two_services_live_in_one_program() -> None:
    emitted = services("api", "api-2", args=EVERYTHING)
    assert len([r for r in emitted.resources if r.custom]) == 2 * len(SNAPSHOT)
    for cls, key in (
        (aws.lb.TargetGroup, "name"),
        (aws.lb.LoadBalancer, "name"),
        (aws.iam.Role, "name"),
        (aws.secretsmanager.Secret, "name"),
        (aws.cloudwatch.LogGroup, "name"),
        (aws.ecs.TaskDefinition, "family"),
        (aws.appautoscaling.Policy, "name"),
        (aws.ec2.SecurityGroup, "description"),
        (aws.cloudwatch.MetricAlarm, "name"),
        (aws.cloudwatch.Dashboard, "dashboardName"),
        (aws.cloudwatch.EventRule, "name"),
        (aws.sns.Topic, "name"),
    ):
        made = [str(r.inputs[key]) for r in emitted.of_type(cls)]
        assert len(made) == len(set(made)) > 0


def test_no_secret_is_in_what_is_emitted() -> None:
    emitted = services("api", args={**EVERYTHING, "api_key": "hush-hush-hush-hush"})
    assert "hush" not in json.dumps([dict(r.inputs) for r in emitted.resources])
    assert "hush" not in repr(emitted)
    created = services("api", args=PLAIN)
    assert "r" * 40 not in repr(created)  # the password as the table makes it


def test_every_resource_has_a_name_that_aws_takes() -> None:
    emitted = services("a", "b" * 40, args=EVERYTHING)
    for cls in (aws.lb.LoadBalancer, aws.lb.TargetGroup):
        for made in emitted.of_type(cls):
            assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", made.inputs["name"])
    for role in emitted.of_type(aws.iam.Role):
        assert re.fullmatch(r"[\w+=,.@-]{1,64}", role.inputs["name"])
    for secret in emitted.of_type(aws.secretsmanager.Secret):
        assert re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", secret.inputs["name"])
