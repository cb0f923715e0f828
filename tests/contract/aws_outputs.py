"""What AWS answers to a registration: ids, ARNs and addresses of its own forms, made from the inputs."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

ACCOUNT = "123456789012"
Inputs = Mapping[str, Any]
Outputs = Callable[[Inputs], Mapping[str, Any]]


def arn(service: str, inputs: Inputs, rest: str) -> str:
    return f"arn:aws:{service}:{inputs.get('region', '')}:{ACCOUNT}:{rest}"


def hexadecimal(inputs: Inputs, digits: int) -> str:
    """Another one for other inputs."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:digits]


def _of_ec2(prefix: str) -> Outputs:
    return lambda i: {"id": f"{prefix}-{hexadecimal(i, 17)}"}


def _with_arn(service: str, rest: Callable[[Inputs], str]) -> Outputs:
    def outputs(inputs: Inputs) -> Mapping[str, Any]:
        made = arn(service, inputs, rest(inputs))
        return {"id": made, "arn": made}

    return outputs


def _role(inputs: Inputs) -> Mapping[str, Any]:
    return {"id": inputs["name"], "arn": f"arn:aws:iam::{ACCOUNT}:role/{inputs['name']}"}


def _secret(inputs: Inputs) -> Mapping[str, Any]:
    made = arn("secretsmanager", inputs, f"secret:{inputs['name']}-a1B2c3")
    return {"id": made, "arn": made}


def _version(inputs: Inputs) -> Mapping[str, Any]:
    digits = hexadecimal(inputs, 32)
    version = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
    return {"id": f"{inputs['secretId']}|{version}", "versionId": version}


def _task_definition(inputs: Inputs) -> Mapping[str, Any]:
    return {"id": inputs["family"], "arn": arn("ecs", inputs, f"task-definition/{inputs['family']}:1")}


def _balancer(inputs: Inputs) -> Mapping[str, Any]:
    suffix = f"app/{inputs['name']}/{hexadecimal(inputs, 16)}"
    made = arn("elasticloadbalancing", inputs, f"loadbalancer/{suffix}")
    address = f"{inputs['name']}-1234567890.{inputs['region']}.elb.amazonaws.com"
    return {"id": made, "arn": made, "arnSuffix": suffix, "dnsName": address}


def _target_group(inputs: Inputs) -> Mapping[str, Any]:
    suffix = f"targetgroup/{inputs['name']}/{hexadecimal(inputs, 16)}"
    made = arn("elasticloadbalancing", inputs, suffix)
    return {"id": made, "arn": made, "arnSuffix": suffix}


def _listener(inputs: Inputs) -> Mapping[str, Any]:
    made = f"{inputs['loadBalancerArn'].replace(':loadbalancer/', ':listener/')}/{hexadecimal(inputs, 16)}"
    return {"id": made, "arn": made}


def _rule(inputs: Inputs) -> Mapping[str, Any]:
    made = str(inputs["listenerArn"]).replace(":listener/", ":listener-rule/") + "/f1"
    return {"id": made, "arn": made}


def _registry(inputs: Inputs) -> str:
    return f"{ACCOUNT}.dkr.ecr.{inputs['region']}.amazonaws.com/{inputs['name']}"


def _id_of(*keys: str) -> Outputs:
    return lambda i: {"id": "/".join(str(i[key]) for key in keys)}


def _alarm(key: str) -> Outputs:
    return lambda i: {"id": i[key], "arn": arn("cloudwatch", i, f"alarm:{i[key]}")}


AWS_OUTPUTS: Mapping[type[pulumi.CustomResource], Outputs] = {
    aws.appautoscaling.Policy: lambda i: {
        "id": i["name"],
        "arn": arn("autoscaling", i, f"scalingPolicy:{hexadecimal(i, 32)}:policyName/{i['name']}"),
    },
    aws.appautoscaling.ScheduledAction: _id_of("name", "resourceId"),
    aws.appautoscaling.Target: _id_of("resourceId"),
    aws.cloudwatch.CompositeAlarm: _alarm("alarmName"),
    aws.cloudwatch.Dashboard: _id_of("dashboardName"),
    aws.cloudwatch.EventRule: lambda i: {"id": i["name"], "arn": arn("events", i, f"rule/{i['name']}")},
    aws.cloudwatch.EventTarget: _id_of("rule", "targetId"),
    aws.cloudwatch.LogMetricFilter: _id_of("name"),
    aws.cloudwatch.MetricAlarm: _alarm("name"),
    aws.cloudwatch.LogGroup: lambda i: {"id": i["name"], "arn": arn("logs", i, f"log-group:{i['name']}")},
    aws.ec2.DefaultSecurityGroup: _of_ec2("sg"),
    aws.ec2.InternetGateway: _of_ec2("igw"),
    aws.ec2.Route: _of_ec2("r"),
    aws.ec2.RouteTable: _of_ec2("rtb"),
    aws.ec2.RouteTableAssociation: _of_ec2("rtbassoc"),
    aws.ec2.SecurityGroup: _of_ec2("sg"),
    aws.ec2.Subnet: _of_ec2("subnet"),
    aws.ec2.Vpc: _of_ec2("vpc"),
    aws.ec2.VpcEndpoint: lambda i: {**_of_ec2("vpce")(i), "prefixListId": "pl-6da54004"},
    aws.ecr.LifecyclePolicy: _id_of("repository"),
    aws.ecr.Repository: lambda i: {"id": i["name"], "repositoryUrl": _registry(i)},
    aws.ecs.Cluster: _with_arn("ecs", lambda i: f"cluster/{i['name']}"),
    aws.ecs.ClusterCapacityProviders: _id_of("clusterName"),
    aws.ecs.Service: _with_arn("ecs", lambda i: f"service/{i['cluster'].split('/')[-1]}/{i['name']}"),
    aws.ecs.TaskDefinition: _task_definition,
    aws.iam.Role: _role,
    aws.iam.RolePolicy: _id_of("role", "name"),
    aws.lb.Listener: _listener,
    aws.lb.ListenerRule: _rule,
    aws.lb.LoadBalancer: _balancer,
    aws.lb.TargetGroup: _target_group,
    aws.rds.Instance: lambda i: {
        "id": f"db-{hexadecimal(i, 26).upper()}",
        "arn": arn("rds", i, f"db:{i['identifier']}"),
        "address": f"{i['identifier']}.{hexadecimal(i, 12)}.{i['region']}.rds.amazonaws.com",
    },
    aws.rds.ParameterGroup: _id_of("name"),
    aws.rds.SubnetGroup: _id_of("name"),
    aws.secretsmanager.Secret: _secret,
    aws.secretsmanager.SecretVersion: _version,
    aws.sns.Topic: _with_arn("sns", lambda i: i["name"]),
    aws.sns.TopicPolicy: lambda i: {"id": f"{i['arn']}/policy"},
    aws.sns.TopicSubscription: lambda i: {"id": f"{i['topic']}:{hexadecimal(i, 32)}"},
    aws.vpc.SecurityGroupEgressRule: _of_ec2("sgr"),
    aws.vpc.SecurityGroupIngressRule: _of_ec2("sgr"),
}
