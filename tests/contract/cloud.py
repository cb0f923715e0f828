"""What a program emits, complete: run as an update whose resources answer with plausible outputs.

An output that the table lacks is unknown; whatever would be made of it is then unknown too, and refused here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_random as random
from google.protobuf.struct_pb2 import Struct
from pulumi._types import _py_properties as properties_of  # pyright: ignore[reportPrivateUsage]
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import run
from slipway.infra.resources.reading import UNKNOWN, Resource
from tests.contract.aws_outputs import AWS_OUTPUTS, hexadecimal
from tests.contract.gke_outputs import GKE_ANSWERS, GKE_OUTPUTS
from tests.contract.kubernetes_outputs import answer_of

Outputs = Callable[[Mapping[str, Any]], Mapping[str, Any]]

# Type -> its id and the outputs that a program may read beside the inputs, made from the inputs.
OUTPUTS: Mapping[type[pulumi.CustomResource], Outputs] = {
    gcp.projects.Service: lambda i: {"id": f"{i['project']}/{i['service']}"},
    gcp.serviceaccount.Account: lambda i: {
        "id": f"projects/{i['project']}/serviceAccounts/{_email(i)}",
        "name": f"projects/{i['project']}/serviceAccounts/{_email(i)}",
        "email": _email(i),
        "member": f"serviceAccount:{_email(i)}",
    },
    gcp.secretmanager.Secret: lambda i: {"id": f"projects/{i['project']}/secrets/{i['secretId']}"},
    gcp.secretmanager.SecretVersion: lambda i: {"id": f"{i['secret']}/versions/4", "version": "4"},
    gcp.secretmanager.SecretIamMember: lambda i: {"id": f"{i['secretId']}/{i['role']}/{i['member']}"},
    gcp.storage.BucketIAMMember: lambda i: {"id": f"b/{i['bucket']}/{i['role']}/{i['member']}"},
    gcp.cloudrunv2.Service: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/services/{i['name']}",
        "uri": f"https://{i['name']}-123456789012.{i['location']}.run.app",
    },
    gcp.cloudrunv2.WorkerPool: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/workerPools/{i['name']}"
    },
    gcp.sql.DatabaseInstance: lambda i: {
        "id": i["name"],
        "connectionName": f"{i['project']}:{i['region']}:{i['name']}",
    },
    gcp.logging.Metric: lambda i: {"id": i["name"]},
    gcp.cloudrunv2.ServiceIamMember: lambda i: {"id": f"{i['name']}/{i['role']}/{i['member']}"},
    gcp.cloudrun.DomainMapping: lambda i: {
        "id": f"locations/{i['location']}/namespaces/{i['project']}/domainmappings/{i['name']}",
        "statuses": [
            {"resourceRecords": [{"name": "api", "type": "CNAME", "rrdata": "ghs.googlehosted.com."}]}
        ],
    },
    gcp.serviceaccount.IAMMember: lambda i: {"id": f"{i['serviceAccountId']}/{i['role']}/{i['member']}"},
    gcp.logging.ProjectBucketConfig: lambda i: {
        "id": f"projects/{i['project']}/locations/{i['location']}/buckets/{i['bucketId']}"
    },
    gcp.logging.ProjectSink: lambda i: {"id": f"projects/{i['project']}/sinks/{i['name']}"},
    gcp.logging.ProjectExclusion: lambda i: {"id": f"projects/{i['project']}/exclusions/{i['name']}"},
    gcp.monitoring.AlertPolicy: lambda i: _numbered(i, "alertPolicies"),
    gcp.monitoring.NotificationChannel: lambda i: _numbered(i, "notificationChannels"),
    gcp.monitoring.Dashboard: lambda i: _numbered(i, "dashboards"),
    gcp.monitoring.UptimeCheckConfig: lambda i: {
        **_numbered(i, "uptimeCheckConfigs"),
        "uptimeCheckId": _number(i),
    },
    gcp.monitoring.CustomService: lambda i: {"id": f"projects/{i['project']}/services/{i['serviceId']}"},
    gcp.monitoring.Slo: lambda i: {
        "id": f"projects/{i['project']}/services/{i['service']}/serviceLevelObjectives/{i['sloId']}"
    },
    random.RandomId: lambda i: {"id": "drawn", "hex": hexadecimal(i["keepers"], 2 * int(i["byteLength"]))},
    random.RandomPassword: lambda i: {"id": "none", "result": "r" * int(i["length"])},
    **AWS_OUTPUTS,
    **GKE_OUTPUTS,
}
_CLASSES: Mapping[str, type[pulumi.CustomResource]] = {
    vars(cls)["pulumi_type"]: cls for cls in OUTPUTS if "pulumi_type" in vars(cls)
}


def made_of(type_: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the id and outputs that the table has for a resource with these inputs."""
    return OUTPUTS[_CLASSES[type_]](inputs)


def _number(inputs: Mapping[str, Any]) -> str:
    """Return a number of a cloud that gives one to each, and the same to the same."""
    return str(int(hexadecimal(inputs, 12), 16))


def _numbered(inputs: Mapping[str, Any], collection: str) -> Mapping[str, Any]:
    name = f"projects/{inputs['project']}/{collection}/{_number(inputs)}"
    return {"id": name, "name": name}


def _email(inputs: Mapping[str, Any]) -> str:
    return f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"


@dataclass(frozen=True, slots=True)
class Emitted:
    """resources: in the order of their registration. outputs: the stack's, with secrets masked."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]

    def of_type(self, cls: type[pulumi.CustomResource]) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == vars(cls)["pulumi_type"]]

    def named(self, name: str) -> Resource:
        return next(resource for resource in self.resources if resource.name == name)


class Cloud(Monitor):
    """Answers a registration with its inputs and the table's outputs; every other output is unknown."""

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802 Pulumi's name
        resource = self._record(request)
        if answer := answer_of(resource.type, resource.inputs):
            outputs = Struct()
            outputs.update({**dict(request.object.items()), **answer})
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=answer["id"], object=outputs)
        if not resource.custom or resource.type not in _CLASSES:
            assert not resource.custom, f"tests/contract/cloud.py has no outputs of {resource.type}"
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, object=request.object)
        made = dict(made_of(resource.type, resource.inputs))
        unknown = {name: rpc.UNKNOWN for _, name, _ in properties_of(_CLASSES[resource.type])}
        outputs = Struct()
        outputs.update({**unknown, **dict(request.object.items()), **made})
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=made["id"], object=outputs)


def emitted_by(program: Callable[[], None]) -> Emitted:
    """Run `program` as an update of the stack `dev`. Fails where anything in it stays unknown."""
    cloud = Cloud("demo", "dev", GKE_ANSWERS)
    outputs = run(program, StackConfig("demo", "dev", {}, frozenset(), {}), cloud, preview=False)
    resources = tuple(cloud.recorded.values())
    for resource in resources:
        assert UNKNOWN not in json.dumps(dict(resource.inputs)), (
            f"{resource.type} {resource.name} is made from an output that tests/contract/cloud.py lacks"
        )
    assert rpc.UNKNOWN not in json.dumps(outputs, default=str), "an output of the stack stays unknown"
    return Emitted(resources, outputs)
