"""An ECS Fargate service for one inference image, behind an Application Load Balancer.

Owns the service, its task definition, roles, log group, secrets, security groups, scaling, alarms and
dashboard; a cluster, a network and a load balancer if none is given; and with jobs, their workers and a
database if none is given. Does not own the image, a
certificate, a domain or a bucket.
"""

from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws

from ..aws.secrets import SecretHome, Secrets, secrets_of
from ..fault import in_words
from ..input_rules import API_KEY_NAME
from ..inputs import api_key_of, recorded, with_digest
from . import names
from .args import FargateServiceArgs
from .balancer import Balancer, balancer_of
from .ecs_service import ecs_service, running
from .jobs.database import Database, database_of
from .jobs.workers import WorkersPlace, work
from .network import Network, network_of
from .process import server_process
from .roles import roles_of, traffic_role
from .rollback import rollback_alarms
from .rules import checked_spec, spec_warnings
from .scaling import PROVIDERS, capacity_of, scale
from .spec import FargateSpec
from .task import CONTAINER, log_group, metrics_group, rollout_id, task_definition
from .traffic import deployment_of, load_balancers_of
from .watching import Watching

_RECOVERY_DAYS = 30


class FargateService(pulumi.ComponentResource):
    """Run one inference image on ECS Fargate."""

    url: pulumi.Output[str]
    """Address of the load balancer, or of the domain, without a trailing slash."""
    image_ref: pulumi.Output[str]
    """The image it runs, with its digest."""
    service_name: pulumi.Output[str]
    """The service's name in ECS."""
    console_url: pulumi.Output[str]
    """Its page in AWS's console."""
    logs_command: pulumi.Output[str]
    """Shell command that follows the log."""
    api_key: pulumi.Output[str]
    """Bearer key of the service, a secret."""
    domain_records: pulumi.Output[list[str]]
    """DNS records that `domain` needs, as `<type> <name> <data>`; empty with an existing load balancer."""
    load_balancer: pulumi.Output[str]
    """Load balancer that sends the requests, as metrics name it: `app/<name>/<id>`."""

    def __init__(
        self,
        name: str,
        args: FargateServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        checked: FargateSpec | None = None,
    ) -> None:
        """Create the service and everything it owns.

        checked: the spec that rules.checked_spec made of these arguments, with a placeholder for the image if
        the image is still to be built; only what differs from it is checked again.
        """
        spec = checked_spec(name, args, checked)
        super().__init__("slipway:index:FargateService", name, recorded(args), opts)
        for warning in spec_warnings(replace(spec, image_ref=checked.image_ref) if checked else spec):
            pulumi.log.warn(in_words(warning), self)
        api_key = api_key_of(name, spec.api_key, self)
        image_ref = with_digest(spec.image_ref)
        cluster, cluster_name, ready = _cluster(spec, self)
        log = log_group(spec, ready, self)
        network = network_of(spec, self)
        balancer = balancer_of(spec, network, self)
        database = database_of(spec, network, balancer.task_group, self)
        secrets = _secrets(spec, self, api_key, database)
        roles = roles_of(spec, image_ref, log, metrics_group(spec, self), secrets.arns, self)
        arns = (roles.execution, roles.task)
        traffic_role_arn, moving = traffic_role(spec, balancer, self)
        wanted = _wanted(spec, cluster, network, balancer, traffic_role_arn)
        watching = Watching.of(spec, (cluster, cluster_name), balancer, self)
        rollout = rollout_id(wanted, spec.scales)
        jobs = {**spec.jobs.environment, **database.environment}
        process = server_process(spec, jobs)
        task = task_definition(spec, image_ref, secrets.environment, log.name, arns, process, rollout, self)
        after = [*ready, *roles.made, *network.made, *balancer.made, *database.made, *moving]
        alarms = rollback_alarms(spec).names if spec.shifts_traffic else []
        known = watching.named(alarms) if watching else alarms
        service = ecs_service(
            spec,
            self,
            after,
            task,
            process.stop_seconds,
            {**deployment_of(spec, known), **wanted},
            scales=spec.scales,
            protect=spec.deletion_protection,
        )
        if spec.scales:
            scale(spec, service, cluster_name, balancer, self)
        if spec.jobs.jobs:
            place = WorkersPlace(
                *(cluster, cluster_name, network, balancer.task_group, image_ref, secrets.environment),
                *(log, roles.execution, jobs),
            )
            work(spec, place, [*after, service], self)
        if watching:
            watching.once_running(service)
        runs = running(spec, service, task, name)
        self.url = pulumi.Output.all(balancer.url, runs).apply(lambda both: both[0])
        self.image_ref = image_ref
        self.service_name = service.name
        self.console_url = pulumi.Output.from_input(cluster_name).apply(
            lambda where: names.console_url(spec.region, where, name)
        )
        self.logs_command = pulumi.Output.from_input(names.logs_command(spec.region, name))
        self.api_key = api_key
        self.domain_records = balancer.records
        self.load_balancer = balancer.label
        self.register_outputs(
            {
                "url": self.url,
                "image_ref": self.image_ref,
                "service_name": self.service_name,
                "console_url": self.console_url,
                "logs_command": self.logs_command,
                "api_key": self.api_key,
                "domain_records": self.domain_records,
                "load_balancer": self.load_balancer,
            }
        )


def _secrets(
    spec: FargateSpec, parent: pulumi.Resource, api_key: pulumi.Output[str], database: Database
) -> Secrets:
    recovery_days = _RECOVERY_DAYS if spec.deletion_protection else 0
    home = SecretHome(spec.name, spec.region, spec.service.labels, parent, recovery_days)
    values = {**spec.secret_values, API_KEY_NAME: api_key, **database.values}
    return secrets_of(home, values, {**spec.service.secrets, **database.references})


def _cluster(
    spec: FargateSpec, parent: pulumi.Resource
) -> tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]:
    """Return ARN and name of the given or a created cluster, and what its services must wait for.

    The cluster's name comes back when a move to another region is undone: it goes first, and with it what it
    runs. It is protected like the service, so that the engine refuses the move before it deletes anything.
    """
    if spec.cluster_arn is not None:
        name = pulumi.Output.from_input(spec.cluster_arn).apply(lambda arn: arn.split("/")[-1])
        return spec.cluster_arn, name, []
    options = pulumi.ResourceOptions(parent=parent, delete_before_replace=True)
    cluster = aws.ecs.Cluster(
        f"{spec.name}-cluster",
        name=spec.name,
        region=spec.region,
        settings=[{"name": "containerInsights", "value": spec.container_insights.value}],
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(protect=spec.deletion_protection)),
    )
    providers = aws.ecs.ClusterCapacityProviders(
        f"{spec.name}-capacity",
        cluster_name=cluster.name,
        region=spec.region,
        capacity_providers=list(PROVIDERS),
        opts=options,
    )
    return cluster.arn, cluster.name, [providers]


def _wanted(
    spec: FargateSpec,
    cluster: pulumi.Input[str],
    network: Network,
    balancer: Balancer,
    traffic_role_arn: pulumi.Input[str] | None,
) -> dict[str, Any]:
    """Return the inputs of the service whose change rolls it out, apart from its task definition."""
    return {
        "cluster": cluster,
        "desired_count": spec.service.min_replicas,
        "capacity_provider_strategies": capacity_of(spec),
        "deployment_minimum_healthy_percent": 100,
        "deployment_maximum_percent": 200,
        "health_check_grace_period_seconds": spec.grace_seconds,
        "network_configuration": {
            "subnets": network.task_subnets,
            "security_groups": [balancer.task_group.id],
            "assign_public_ip": network.public_address,
        },
        "load_balancers": load_balancers_of(
            {"container_name": CONTAINER, "container_port": spec.service.port},
            balancer.groups,
            balancer.rule,
            traffic_role_arn,
        ),
    }
