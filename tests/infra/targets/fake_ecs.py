"""A stand-in for `aws` and `pulumi` over one ECS service, whose state is a file, with its deployments.

Run as `aws` it answers the commands that Slipway calls; as `pulumi` it deploys what IMAGE names. An image
that has `bad` in its name sets an alarm off, and ECS takes it back. Shapes: botocore 1.44.5, ecs.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

ARN = "arn:aws:ecs:eu-west-1:123456789012:"
FAMILY = "slipway-prod"
ALARM = "slipway-prod-availability-page"


class Ecs:
    """The service's task definitions and deployments, in a file. tasks: revision -> content, from 1."""

    def __init__(self, file: Path) -> None:
        self._file = file
        nothing: dict[str, Any] = {"tasks": [], "deployments": [], "serves": 0, "lost": [], "images": {}}
        self.state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else nothing

    def save(self) -> None:
        self._file.write_text(json.dumps(self.state))

    def deploy(self, image: str, secret: str, status: str = "") -> bool:
        """Register a task definition and roll it out; return whether it serves."""
        digest = f"{image.encode().hex():0<64}"
        repository = os.environ.get("REPOSITORY", f"{FAMILY}-image")
        container = {
            "name": "server",
            "essential": True,
            "image": f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{repository}@sha256:{digest}",
            "environment": [{"name": "EXPECTED_MODEL", "value": "sms-spam-1.0.0"}],
            "secrets": [{"name": "MODEL_API_KEY", "valueFrom": secret}],
        }
        self.state["tasks"].append({"image": image, "container": container, "tags": {}})
        return self.roll_out(len(self.state["tasks"]), status)

    def roll_out(self, revision: int, status: str = "") -> bool:
        bad = "bad" in self.state["tasks"][revision - 1]["image"]
        status = status or ("ROLLBACK_SUCCESSFUL" if bad else "SUCCESSFUL")
        self.state["deployments"].append({"revision": revision, "status": status})
        if status == "SUCCESSFUL":
            self.state["serves"] = revision
        return status != "ROLLBACK_SUCCESSFUL"

    def task(self, name: str) -> dict[str, Any]:
        revision = int(name.rpartition(":")[2]) if ":" in name else len(self.state["tasks"])
        kept = self.state["tasks"][revision - 1]
        task = {
            "taskDefinitionArn": f"{ARN}task-definition/{FAMILY}:{revision}",
            "containerDefinitions": [kept["container"]],
            "registeredAt": f"2026-11-30T1{revision % 10}:00:00+00:00",
        }
        return {"taskDefinition": task, "tags": [{"key": k, "value": v} for k, v in kept["tags"].items()]}

    def deployment(self, number: int) -> dict[str, Any]:
        found = self.state["deployments"][number - 1]
        back = found["status"].startswith("ROLLBACK")
        return {
            "serviceDeploymentArn": f"{ARN}service-deployment/{number}",
            "status": found["status"],
            "createdAt": f"2026-11-30T10:{number:02}:00+00:00",
            "targetServiceRevision": {
                "arn": f"{ARN}service-revision/{found['revision']}",
                "requestedProductionTrafficWeight": 5.0,
            },
            "lifecycleStage": "BAKE_TIME",
            "deploymentConfiguration": {"strategy": "CANARY"},
            "rollback": {"reason": "Service deployment rolled back because of alarms."} if back else {},
            "alarms": {"triggeredAlarmNames": [ALARM] if back and not found.get("stopped") else []},
        }

    def stop(self, number: int) -> None:
        self.state["deployments"][number - 1] |= {"status": "ROLLBACK_SUCCESSFUL", "stopped": True}


def answer(ecs: Ecs, words: list[str]) -> Any:
    """Answer one command of `aws ecs`, `aws ecr` or `aws elbv2`."""
    options = {words[i]: words[i + 1 :] for i, word in enumerate(words) if word.startswith("--")}
    match words[1]:
        case "list-service-deployments":
            every = range(1, len(ecs.state["deployments"]) + 1)
            return {"serviceDeployments": [ecs.deployment(number) for number in every]}
        case "describe-service-deployments":
            number = int(options["--service-deployment-arns"][0].rpartition("/")[2])
            return {"serviceDeployments": [ecs.deployment(number)]}
        case "describe-service-revisions":
            revision = options["--service-revision-arns"][0].rpartition("/")[2]
            return {"serviceRevisions": [{"taskDefinition": f"{ARN}task-definition/{FAMILY}:{revision}"}]}
        case "list-task-definitions":
            every = [
                n for n in range(1, len(ecs.state["tasks"]) + 1) if not ecs.state["tasks"][n - 1].get("gone")
            ]
            if options["--sort"][0] == "DESC":
                every.reverse()
            return {"taskDefinitionArns": [f"{ARN}task-definition/{FAMILY}:{number}" for number in every]}
        case "describe-task-definition":
            return ecs.task(options["--task-definition"][0])
        case "describe-services":
            return {"services": [_service(ecs)] if ecs.state["serves"] else []}
        case "deregister-task-definition":
            revision = int(options["--task-definition"][0].rpartition(":")[2])
            ecs.state["tasks"][revision - 1]["gone"] = True
        case "stop-service-deployment":
            ecs.stop(int(options["--service-deployment-arn"][0].rpartition("/")[2]))
        case "update-service":
            ecs.roll_out(int(options["--task-definition"][0].rpartition(":")[2]))
        case "tag-resource":
            _tags(ecs, options).update(_tag(text) for text in _values(options["--tags"]))
        case "untag-resource":
            for key in _values(options["--tag-keys"]):
                _tags(ecs, options).pop(key, None)
        case "describe-listeners":
            [listener] = _values(options["--listener-arns"])
            return {"Listeners": [{"Protocol": "HTTPS" if listener.endswith("/https") else "HTTP"}]}
        case "batch-get-image":
            [digest] = _values(options["--image-ids"])
            return {"images": [{"imageManifest": digest.removeprefix("imageDigest=")}]}
        case "put-image":
            [tag], [manifest] = (_values(options[key]) for key in ("--image-tag", "--image-manifest"))
            ecs.state["images"][tag] = manifest
        case "list-images":
            return {"imageIds": [{"imageTag": tag} for tag in ["build-1", *ecs.state["images"]]]}
        case "batch-delete-image":
            for each in _values(options["--image-ids"]):
                del ecs.state["images"][each.removeprefix("imageTag=")]
        case "list-tasks":
            return {"taskArns": []}
        case "describe-images":
            digest = options["--image-ids"][0]
            if any(image.encode().hex() in digest for image in ecs.state["lost"]):
                sys.exit(
                    "An error occurred (ImageNotFoundException) when calling DescribeImages: no such image"
                )
        case other:
            sys.exit(f"the stand-in knows no {other}")
    return {}


def _service(ecs: Ecs) -> dict[str, Any]:
    return {
        "status": "ACTIVE",
        "serviceName": FAMILY,
        "taskDefinition": f"{ARN}task-definition/{FAMILY}:{ecs.state['serves']}",
        "deploymentConfiguration": {"strategy": "CANARY", "maximumPercent": 200},
        "loadBalancers": ecs.state.get("balancers", []),
        "deployments": [{"status": "PRIMARY", "rolloutState": "COMPLETED"}],
    }


def _values(words: list[str]) -> list[str]:
    end = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    return words[:end]


def _tag(text: str) -> tuple[str, str]:
    key, _, value = text.removeprefix("key=").partition(",value=")
    return key, value


def _tags(ecs: Ecs, options: dict[str, list[str]]) -> dict[str, str]:
    revision = int(options["--resource-arn"][0].rpartition(":")[2])
    return ecs.state["tasks"][revision - 1]["tags"]


def pulumi(ecs: Ecs, words: list[str]) -> int:
    """Deploy IMAGE of REPOSITORY with SECRET, as `pulumi up` of a changed program; answer nothing else."""
    if words[0] == "up":
        return 0 if ecs.deploy(os.environ["IMAGE"], os.environ.get("SECRET", "one")) else 1
    if words[:2] == ["stack", "output"]:
        print(json.dumps({"imageRef": os.environ["IMAGE"]}))
        return 0
    return 1


def main() -> int:
    here = Path(sys.argv[0])
    with (here.parent / "calls").open("a") as calls:
        calls.write(f"{here.name} {' '.join(sys.argv[1:])}\n")
    ecs = Ecs(here.parent / "state.json")
    if here.name == "pulumi":
        code = pulumi(ecs, sys.argv[1:])
    else:
        print(json.dumps(answer(ecs, sys.argv[1:])))
        code = 0
    ecs.save()
    return code


if __name__ == "__main__":
    sys.exit(main())
