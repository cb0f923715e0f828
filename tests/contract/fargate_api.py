"""Emitted AWS resources as the calls that make them, in the words of AWS's own APIs.

The provider's names differ from the APIs' in the places named here; every other one is handed on as it is, so
that one the API does not know is refused.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_aws as aws

Inputs = Mapping[str, Any]
Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """operation: as the API names it, such as RegisterTaskDefinition."""

    service: str
    operation: str
    params: Params


# What the provider keeps to itself, or what stands in the address of the request.
_NOT_IN_THE_CALL = ("region", "waitForSteadyState", "forceNewDeployment", "skipDestroy")
_ATTRIBUTES = {
    "idleTimeout": "idle_timeout.timeout_seconds",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "slowStart": "slow_start.duration_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
}
_HEALTH = {
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "healthyThreshold": "HealthyThresholdCount",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


_CONFIGURED = {"Redirect": "RedirectConfig", "Forward": "ForwardConfig"}


def _kept(inputs: Inputs, *left_out: str, **renamed: str) -> Params:
    return {
        renamed.get(key, key): value
        for key, value in inputs.items()
        if key not in (*_NOT_IN_THE_CALL, *left_out)
    }


def pascal(value: Any) -> Any:
    """Write the names in a value as most of AWS's APIs do."""
    if isinstance(value, dict):
        fields = cast("Params", value)
        return {name[0].upper() + name[1:]: pascal(item) for name, item in fields.items()}
    return [pascal(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _tagged(params: Params, key: str = "key", value: str = "value") -> Params:
    """Tags are a list there; of the same names in other cases."""
    tags = params.pop("tags", None) or params.pop("Tags", None)
    name = "tags" if key == "key" else "Tags"
    return {**params, name: [{key: k, value: v} for k, v in tags.items()]} if tags else params


def _big(params: Params) -> Params:
    tags = params.pop("tags", None)
    return _tagged({**pascal(params), **({"Tags": tags} if tags else {})}, "Key", "Value")


def _task_definition(inputs: Inputs) -> list[Call]:
    params = _tagged(_kept(inputs))
    params["containerDefinitions"] = json.loads(params["containerDefinitions"])
    if storage := params.get("ephemeralStorage"):
        params["ephemeralStorage"] = {
            {"sizeInGib": "sizeInGiB"}.get(key, key): value for key, value in storage.items()
        }
    return [Call("ecs", "RegisterTaskDefinition", params)]


def _service(inputs: Inputs) -> list[Call]:
    deployment = {
        "alarms": "alarms",
        "deploymentCircuitBreaker": "deploymentCircuitBreaker",
        "deploymentMaximumPercent": "maximumPercent",
        "deploymentMinimumHealthyPercent": "minimumHealthyPercent",
    }
    params = _tagged(
        _kept(
            inputs,
            *deployment,
            name="serviceName",
            capacityProviderStrategies="capacityProviderStrategy",
            enableEcsManagedTags="enableECSManagedTags",
        )
    )
    params["deploymentConfiguration"] = {
        there: inputs[here] for here, there in deployment.items() if here in inputs
    } | _strategy(inputs.get("deploymentConfiguration", {}))
    network = dict(inputs["networkConfiguration"])
    network["assignPublicIp"] = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
    params["networkConfiguration"] = {"awsvpcConfiguration": network}
    return [Call("ecs", "CreateService", params)]


def _strategy(configuration: Inputs) -> Params:
    """Write the minutes as numbers: the provider has them as strings, so that 0 is not unset."""
    written: Params = {}
    for key, value in configuration.items():
        if isinstance(value, dict):
            written[key] = _strategy(cast("Params", value))
        else:
            written[key] = int(value) if key.endswith("InMinutes") else value
    return written


def _cluster(inputs: Inputs) -> list[Call]:
    return [Call("ecs", "CreateCluster", _tagged(_kept(inputs, name="clusterName")))]


def _providers(inputs: Inputs) -> list[Call]:
    params: Params = {"defaultCapacityProviderStrategy": [], **_kept(inputs, clusterName="cluster")}
    return [Call("ecs", "PutClusterCapacityProviders", params)]


def _attributes(inputs: Inputs) -> list[dict[str, str]]:
    texts = {key: inputs[key] for key in _ATTRIBUTES if key in inputs}
    return [
        {"Key": _ATTRIBUTES[key], "Value": str(value).lower() if isinstance(value, bool) else str(value)}
        for key, value in texts.items()
    ]


def _load_balancer(inputs: Inputs) -> list[Call]:
    params = _big(_kept(inputs, *_ATTRIBUTES, "internal", loadBalancerType="type"))
    params["Scheme"] = "internal" if inputs["internal"] else "internet-facing"
    attributes = {"LoadBalancerArn": "made", "Attributes": _attributes(inputs)}
    return [
        Call("elbv2", "CreateLoadBalancer", params),
        Call("elbv2", "ModifyLoadBalancerAttributes", attributes),
    ]


def _target_group(inputs: Inputs) -> list[Call]:
    params = _big(_kept(inputs, *_ATTRIBUTES, "healthCheck"))
    health = dict(inputs["healthCheck"])
    params["Matcher"] = {"HttpCode": health.pop("matcher")}
    params |= {_HEALTH.get(str(key), str(key)): value for key, value in health.items()}
    attributes = {"TargetGroupArn": "made", "Attributes": _attributes(inputs)}
    return [
        Call("elbv2", "CreateTargetGroup", params),
        Call("elbv2", "ModifyTargetGroupAttributes", attributes),
    ]


def _actions(actions: list[Inputs]) -> list[Params]:
    written = [cast("Params", pascal(dict(action))) for action in actions]
    return [{_CONFIGURED.get(key, key): _weighted(value) for key, value in each.items()} for each in written]


def _weighted(value: Any) -> Any:
    """Name the groups of a forward action as the API does."""
    if not (isinstance(value, dict) and "TargetGroups" in value):
        return cast("Any", value)
    groups = cast("list[Params]", value["TargetGroups"])
    return {"TargetGroups": [{"TargetGroupArn": each["Arn"], "Weight": each["Weight"]} for each in groups]}


def _listener(inputs: Inputs) -> list[Call]:
    params = _big(_kept(inputs, "defaultActions", "certificateArn"))
    params["DefaultActions"] = _actions(inputs["defaultActions"])
    if "certificateArn" in inputs:
        params["Certificates"] = [{"CertificateArn": inputs["certificateArn"]}]
    return [Call("elbv2", "CreateListener", params)]


def _rule(inputs: Inputs) -> list[Call]:
    """Convert a listener rule with a priority: the provider takes the next free one, the API requires one."""
    params: Params = {"Priority": 1, **_big(_kept(inputs, "actions", "conditions"))}
    fields = {"hostHeader": "host-header", "pathPattern": "path-pattern"}
    params["Conditions"] = [
        {"Field": fields[kind], f"{kind[0].upper()}{kind[1:]}Config": pascal(condition)}
        for given in inputs["conditions"]
        for kind, condition in given.items()
    ]
    params["Actions"] = _actions(inputs["actions"])
    return [Call("elbv2", "CreateRule", params)]


def _scalable_target(inputs: Inputs) -> list[Call]:
    return [Call("application-autoscaling", "RegisterScalableTarget", pascal(_kept(inputs)))]


def _scaling_policy(inputs: Inputs) -> list[Call]:
    params = pascal(_kept(inputs, name="policyName"))
    for step in params.get("StepScalingPolicyConfiguration", {}).get("StepAdjustments", ()):
        # The provider has the bounds as strings, so that 0 is not unset.
        step |= {key: float(value) for key, value in step.items() if key.startswith("Metric")}
    return [Call("application-autoscaling", "PutScalingPolicy", params)]


def _scheduled_action(inputs: Inputs) -> list[Call]:
    params = pascal(_kept(inputs, name="scheduledActionName"))
    return [Call("application-autoscaling", "PutScheduledAction", params)]


def _log_group(inputs: Inputs) -> list[Call]:
    days, name = inputs["retentionInDays"], inputs["name"]
    return [
        Call("logs", "CreateLogGroup", _kept(inputs, "retentionInDays", name="logGroupName")),
        Call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": days}),
    ]


def _metric_filter(inputs: Inputs) -> list[Call]:
    params = _kept(inputs, "metricTransformation", name="filterName", pattern="filterPattern")
    given = dict(inputs["metricTransformation"])
    names = {"name": "metricName", "namespace": "metricNamespace", "value": "metricValue"}
    params["metricTransformations"] = [{names.get(key, key): value for key, value in given.items()}]
    return [Call("logs", "PutMetricFilter", params)]


def _metric_alarm(inputs: Inputs) -> list[Call]:
    params = _big(_kept(inputs, "dimensions", "metricQueries", name="alarmName", okActions="oKActions"))
    if "dimensions" in inputs:
        params["Dimensions"] = _dimensions(inputs["dimensions"])
    if "metricQueries" in inputs:
        params["Metrics"] = [_query(query) for query in inputs["metricQueries"]]
    return [Call("cloudwatch", "PutMetricAlarm", params)]


def _query(query: Inputs) -> Params:
    """Convert a query, where the provider has one level less."""
    params = pascal({key: value for key, value in query.items() if key != "metric"})
    if metric := query.get("metric"):
        found = {"MetricName": metric["metricName"], "Namespace": metric["namespace"]}
        found["Dimensions"] = _dimensions(metric["dimensions"])
        params["MetricStat"] = {"Metric": found, "Period": metric["period"], "Stat": metric["stat"]}
    return params


def _dimensions(values: Inputs) -> list[dict[str, str]]:
    """Convert dimensions, whose names stand for themselves and keep their case."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _composite_alarm(inputs: Inputs) -> list[Call]:
    return [Call("cloudwatch", "PutCompositeAlarm", _big(_kept(inputs, okActions="oKActions")))]


def _dashboard(inputs: Inputs) -> list[Call]:
    return [Call("cloudwatch", "PutDashboard", pascal(_kept(inputs)))]


def _event_rule(inputs: Inputs) -> list[Call]:
    return [Call("events", "PutRule", _big(_kept(inputs)))]


def _event_target(inputs: Inputs) -> list[Call]:
    given = inputs["inputTransformer"]
    transformer = {"InputPathsMap": dict(given["inputPaths"]), "InputTemplate": given["inputTemplate"]}
    target = {"Id": inputs["targetId"], "Arn": inputs["arn"], "InputTransformer": transformer}
    return [Call("events", "PutTargets", {"Rule": inputs["rule"], "Targets": [target]})]


def _topic(inputs: Inputs) -> list[Call]:
    return [Call("sns", "CreateTopic", _big(_kept(inputs)))]


def _topic_policy(inputs: Inputs) -> list[Call]:
    name = {"AttributeName": "Policy", "AttributeValue": inputs["policy"]}
    return [Call("sns", "SetTopicAttributes", {"TopicArn": inputs["arn"], **name})]


def _subscription(inputs: Inputs) -> list[Call]:
    return [Call("sns", "Subscribe", pascal(_kept(inputs, topic="topicArn")))]


def _role(inputs: Inputs) -> list[Call]:
    renamed = {"name": "roleName", "assumeRolePolicy": "assumeRolePolicyDocument"}
    return [Call("iam", "CreateRole", _big(_kept(inputs, **renamed)))]


def _role_policy(inputs: Inputs) -> list[Call]:
    renamed = {"name": "policyName", "policy": "policyDocument", "role": "roleName"}
    return [Call("iam", "PutRolePolicy", _big(_kept(inputs, **renamed)))]


def _secret(inputs: Inputs) -> list[Call]:
    return [Call("secretsmanager", "CreateSecret", _big(_kept(inputs, "recoveryWindowInDays")))]


def _secret_version(inputs: Inputs) -> list[Call]:
    return [Call("secretsmanager", "PutSecretValue", pascal(_kept(inputs)))]


def _database(inputs: Inputs) -> list[Call]:
    """Convert a database without what only its deletion reads, or how its changes are applied."""
    renamed = {
        "identifier": "DBInstanceIdentifier",
        "instanceClass": "DBInstanceClass",
        "dbName": "DBName",
        "username": "MasterUsername",
        "password": "MasterUserPassword",
        "dbSubnetGroupName": "DBSubnetGroupName",
        "parameterGroupName": "DBParameterGroupName",
    }
    kept = _kept(inputs, "skipFinalSnapshot", "applyImmediately", **renamed)
    return [Call("rds", "CreateDBInstance", _big(kept))]


def _database_subnets(inputs: Inputs) -> list[Call]:
    renamed = {
        "name": "DBSubnetGroupName",
        "description": "DBSubnetGroupDescription",
    }
    return [Call("rds", "CreateDBSubnetGroup", _big(_kept(inputs, **renamed)))]


def _database_parameters(inputs: Inputs) -> list[Call]:
    renamed = {"name": "DBParameterGroupName", "family": "DBParameterGroupFamily"}
    values = [
        {"ParameterName": each["name"], "ParameterValue": each["value"], "ApplyMethod": "immediate"}
        for each in inputs["parameters"]
    ]
    changed = {"DBParameterGroupName": inputs["name"], "Parameters": values}
    return [
        Call("rds", "CreateDBParameterGroup", _big(_kept(inputs, "parameters", **renamed))),
        Call("rds", "ModifyDBParameterGroup", changed),
    ]


def _gateway(inputs: Inputs) -> list[Call]:
    attached = {"InternetGatewayId": "made", "VpcId": inputs["vpcId"]}
    return [Call("ec2", "CreateInternetGateway", {}), Call("ec2", "AttachInternetGateway", attached)]


def _repository(inputs: Inputs) -> list[Call]:
    params = _tagged(_kept(inputs, "forceDelete", name="repositoryName"), "Key", "Value")
    if tags := params.pop("Tags", None):
        params["tags"] = tags
    return [Call("ecr", "CreateRepository", params)]


def _lifecycle(inputs: Inputs) -> list[Call]:
    renamed = {"repository": "repositoryName", "policy": "lifecyclePolicyText"}
    return [Call("ecr", "PutLifecyclePolicy", _kept(inputs, **renamed))]


def _of_ec2(operation: str, *left_out: str, **renamed: str) -> Callable[[Inputs], list[Call]]:
    def calls(inputs: Inputs) -> list[Call]:
        return [Call("ec2", operation, pascal(_kept(inputs, "tags", *left_out, **renamed)))]

    return calls


def _group_rule(operation: str) -> Callable[[Inputs], list[Call]]:
    def calls(inputs: Inputs) -> list[Call]:
        permission: Params = {
            "IpProtocol": inputs["ipProtocol"],
            "FromPort": inputs["fromPort"],
            "ToPort": inputs["toPort"],
        }
        if "cidrIpv4" in inputs:
            permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"]}]
        if "cidrIpv6" in inputs:
            permission["Ipv6Ranges"] = [{"CidrIpv6": inputs["cidrIpv6"]}]
        if "referencedSecurityGroupId" in inputs:
            permission["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"]}]
        if "prefixListId" in inputs:
            permission["PrefixListIds"] = [{"PrefixListId": inputs["prefixListId"]}]
        return [Call("ec2", operation, {"GroupId": inputs["securityGroupId"], "IpPermissions": [permission]})]

    return calls


CALLS: Mapping[type[pulumi.CustomResource], Callable[[Inputs], list[Call]]] = {
    aws.appautoscaling.Policy: _scaling_policy,
    aws.appautoscaling.ScheduledAction: _scheduled_action,
    aws.appautoscaling.Target: _scalable_target,
    aws.cloudwatch.CompositeAlarm: _composite_alarm,
    aws.cloudwatch.Dashboard: _dashboard,
    aws.cloudwatch.EventRule: _event_rule,
    aws.cloudwatch.EventTarget: _event_target,
    aws.cloudwatch.LogGroup: _log_group,
    aws.cloudwatch.LogMetricFilter: _metric_filter,
    aws.cloudwatch.MetricAlarm: _metric_alarm,
    aws.ec2.InternetGateway: _gateway,
    aws.ec2.Route: _of_ec2("CreateRoute"),
    aws.ec2.RouteTable: _of_ec2("CreateRouteTable"),
    aws.ec2.RouteTableAssociation: _of_ec2("AssociateRouteTable"),
    aws.ec2.Subnet: _of_ec2("CreateSubnet", "mapPublicIpOnLaunch"),
    aws.ec2.Vpc: _of_ec2("CreateVpc", "enableDnsHostnames", "enableDnsSupport"),
    aws.ec2.VpcEndpoint: _of_ec2("CreateVpcEndpoint"),
    aws.ecr.LifecyclePolicy: _lifecycle,
    aws.ecr.Repository: _repository,
    aws.ecs.Cluster: _cluster,
    aws.ecs.ClusterCapacityProviders: _providers,
    aws.ecs.Service: _service,
    aws.ecs.TaskDefinition: _task_definition,
    aws.iam.Role: _role,
    aws.iam.RolePolicy: _role_policy,
    aws.lb.Listener: _listener,
    aws.lb.ListenerRule: _rule,
    aws.lb.LoadBalancer: _load_balancer,
    aws.lb.TargetGroup: _target_group,
    aws.rds.Instance: _database,
    aws.rds.ParameterGroup: _database_parameters,
    aws.rds.SubnetGroup: _database_subnets,
    aws.secretsmanager.Secret: _secret,
    aws.secretsmanager.SecretVersion: _secret_version,
    aws.sns.Topic: _topic,
    aws.sns.TopicPolicy: _topic_policy,
    aws.sns.TopicSubscription: _subscription,
    aws.vpc.SecurityGroupEgressRule: _group_rule("AuthorizeSecurityGroupEgress"),
    aws.vpc.SecurityGroupIngressRule: _group_rule("AuthorizeSecurityGroupIngress"),
}
_BY_TYPE = {vars(cls)["pulumi_type"]: calls for cls, calls in CALLS.items()}


def _security_group(inputs: Inputs) -> list[Call]:
    """Convert a security group with a name: the provider makes one up, the API requires one."""
    params = pascal(_kept(inputs, "tags"))
    return [Call("ec2", "CreateSecurityGroup", {"GroupName": params["Description"], **params})]


def calls_of(type_: str, inputs: Inputs) -> list[Call]:
    """List the calls that create one resource, in order; none for what is no resource of AWS."""
    if type_ == vars(aws.ec2.SecurityGroup)["pulumi_type"]:
        return _security_group(inputs)
    return _BY_TYPE[type_](inputs) if type_ in _BY_TYPE else []
