"""What `slipway status` shows of the jobs of a Fargate service: their numbers, and its workers.

The numbers are those of the newest line `Jobs` in the service's log, which server and workers write once a
minute: reading it needs the right to filter the log, and without it they are not counted.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from slipway.infra.errors import Failed
from slipway.infra.targets.clock import CLOCK
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.fargate_cli import FargatePlace, answer, objects_at
from slipway.infra.targets.job_words import worker_group

# As components/fargate/jobs/counts.py has them, which needs the cloud's SDK.
FIELDS = ("jobs_waiting", "jobs_running", "jobs_oldest_seconds", "jobs_set_aside")
_PATTERN = '{ $.message = "Jobs" && $.jobs_waiting >= 0 }'
_MINUTES = 5


def fargate_jobs(place: FargatePlace) -> dict[str, Any] | None:
    """Return the jobs of a service as JSON; None where it takes none. Raises Failed."""
    if not place.jobs:
        return None
    counted = _counted(place)
    states = {field.removeprefix("jobs_"): counted.get(field) for field in FIELDS}
    return {**states, "workers": [_workers(place)]}


def roll_back_workers(place: FargatePlace, image: str, say: Callable[[str], None]) -> None:
    """Run the newest workers of an image, as the service does again; say so where none are kept.

    Raises Failed. Nothing happens where the service takes no jobs.
    """
    if not place.jobs:
        return
    asked = ["ecs", "list-task-definitions", "--family-prefix", place.workers, "--sort", "DESC"]
    listed = answer(place, asked)
    arns = [str(arn) for arn in cast("list[Any]", listed.get("taskDefinitionArns") or [])]
    for arn in (arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == place.workers):
        found = answer(place, ["ecs", "describe-task-definition", "--task-definition", arn])
        containers = objects_at(at(found, "taskDefinition"), "containerDefinitions")
        if any(each.get("image") == image for each in containers):
            say(f"Starting the workers of {arn.rpartition('/')[2]}")
            update = ["ecs", "update-service", "--cluster", place.cluster, "--service", place.workers]
            answer(place, [*update, "--task-definition", arn])
            return
    say("No task definition of workers has that release's image: the workers stay as they are")


def _counted(place: FargatePlace) -> Mapping[str, int]:
    """Return the numbers of the last minutes by their fields; none where nobody wrote or may read them."""
    since = int((CLOCK.now() - _MINUTES * 60) * 1000)
    asked = ["logs", "filter-log-events", "--log-group-name", place.log_group, "--start-time", str(since)]
    try:
        events = objects_at(answer(place, [*asked, "--filter-pattern", _PATTERN]), "events")
    except Failed:
        return {}
    if not events:
        return {}
    newest = max(events, key=lambda event: int(event.get("timestamp", 0)))
    line: Mapping[str, Any] = json.loads(str(newest["message"]))
    return {field: int(line[field]) for field in FIELDS if line.get(field) is not None}


def _workers(place: FargatePlace) -> dict[str, Any]:
    """Return how many workers run, and of which version; with why the newest ones do not start."""
    asked = ["ecs", "describe-services", "--cluster", place.cluster, "--services", place.workers]
    service = at({"services": objects_at(answer(place, asked), "services")}, "services", 0)
    if service.get("status") != "ACTIVE":
        return worker_group(place.workers, 0, 0, "missing", None, "there is no service of workers yet")
    primary = [each for each in objects_at(service, "deployments") if each.get("status") == "PRIMARY"]
    failed = at({"found": primary}, "found", 0)
    told = failed.get("rolloutStateReason") if failed.get("rolloutState") == "FAILED" else None
    running, wanted = service.get("runningCount"), service.get("desiredCount")
    state = "failed" if told else "ready" if running == wanted else "starting"
    version = str(service.get("taskDefinition", "")).rpartition("/")[2] or None
    return worker_group(place.workers, running, wanted, state, version, told)
