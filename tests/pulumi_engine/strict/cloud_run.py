"""The revisions of Cloud Run services: which are made, which get requests, and what is refused of them.

DOCS: cloud.google.com/run/docs. RUNPB: google-cloud-run 0.16.2, run_v2/types.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.components.google.limits import TRAFFIC_TO_LATEST
from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.account import Account, Inputs, Refusal, Request, Rule, Verb, values_at

_LATEST: Mapping[str, Any] = {"type": TRAFFIC_TO_LATEST, "percent": 100}
# DOCS rollouts-rollbacks-traffic-migration: lowercase letters, digits and hyphens, a letter first.
_TAG = re.compile(r"[a-z]([a-z0-9-]{0,44}[a-z0-9])?")
_REVISION_CHARACTERS = 63


@dataclass(frozen=True, slots=True)
class Revision:
    """number: in the order in which they were made."""

    name: str
    template: Mapping[str, Any]
    number: int


def revisions_of(account: Account, service: str) -> dict[str, Revision]:
    """Return the revisions of a service by their names. service: its id."""
    return account.memory.setdefault(f"{service}/revisions", {})


def latest_of(account: Account, service: str) -> str:
    """Return the revision of the template that was applied last."""
    return str(account.memory.get(f"{service}/latest", ""))


def traffic_of(account: Account, service: str) -> dict[str, int]:
    """Map each revision that gets requests to its percent."""
    found: dict[str, int] = {}
    thing = account.things[service]
    for target in _targets(thing.inputs):
        name = target.get("revision") or latest_of(account, service)
        if percent := int(target.get("percent", 0)):
            found[name] = found.get(name, 0) + percent
    return found


def delete_revision(account: Account, service: str, name: str) -> None:
    """DOCS managing/revisions: one that gets requests, has a tag or is the latest cannot be deleted."""
    targets = _targets(account.things[service].inputs)
    if name in traffic_of(account, service) or any(each.get("revision") == name for each in targets):
        raise Refusal(f"Revision '{name}' gets requests.")
    if name == latest_of(account, service):
        raise Refusal(f"Revision '{name}' is the latest one.")
    del revisions_of(account, service)[name]


def revisions_follow(account: Account) -> Iterator[str]:
    """Make the revision of each service's template, and check that somebody gets its requests."""
    for service in account.of_kind("cloudrunv2.Service"):
        if any(BROKEN in image for image in values_at(service.inputs["template"], "image")):
            continue
        template = _plain(service.inputs["template"])
        known = revisions_of(account, service.id)
        name = str(service.inputs["template"].get("revision") or "")
        latest = known.get(latest_of(account, service.id))
        if not name and latest is not None and _plain(latest.template) == template:
            name = latest.name if not latest.template.get("revision") else ""
        number = 1 + max((each.number for each in known.values()), default=0)
        name = name or f"{service.inputs['name']}-{number:05d}-xyz"
        if name not in known:
            known[name] = Revision(name, service.inputs["template"], number)
        account.memory[f"{service.id}/latest"] = name
        if lost := set(traffic_of(account, service.id)) - known.keys():
            yield f"{service.name}: requests go to {', '.join(sorted(lost))}, which is gone"


def revision_named_once(account: Account, request: Request) -> Iterator[str]:
    """RUNPB RevisionTemplate.revision: a name is another template's, or makes the same revision."""
    name = str(request.inputs["template"].get("revision") or "")
    if request.verb is not Verb.UPDATE or request.thing is None or not name:
        return
    known = revisions_of(account, request.thing.id).get(name)
    if known is not None and _plain(known.template) != _plain(request.inputs["template"]):
        yield f"googleapi: Error 409: Revision named '{name}' with different configuration already exists."


def revision_name_allowed(account: Account, request: Request) -> Iterator[str]:
    """RUNPB RevisionTemplate.revision, DOCS managing/revisions: the service's name first, 63 characters."""
    name = str(request.inputs["template"].get("revision") or "")
    service = request.inputs["name"]
    if name and (not name.startswith(f"{service}-") or len(name) > _REVISION_CHARACTERS):
        yield f"googleapi: Error 400: spec.template.revision: '{name}'; it must begin with the service's name"


def traffic_is_whole(account: Account, request: Request) -> Iterator[str]:
    """DOCS rollouts-rollbacks-traffic-migration: 100 % in all."""
    targets = _targets(request.inputs)
    percent = sum(int(each.get("percent", 0)) for each in targets)
    if request.verb is not Verb.DELETE and percent != 100:
        yield f"googleapi: Error 400: spec.traffic.percent: {percent}; the percentages must add up to 100"


def traffic_goes_to_revisions(account: Account, request: Request) -> Iterator[str]:
    """RUNPB TrafficTarget.revision: one that is there, or that the same request makes."""
    known = set(revisions_of(account, request.thing.id)) if request.thing else set[str]()
    known.add(str(request.inputs["template"].get("revision") or ""))
    for target in _targets(request.inputs):
        if request.verb is not Verb.DELETE and (name := target.get("revision")) and name not in known:
            yield f"googleapi: Error 404: Revision '{name}' was not found."


def tags_allowed(account: Account, request: Request) -> Iterator[str]:
    """DOCS rollouts-rollbacks-traffic-migration: a tag belongs to one target."""
    tags = [each["tag"] for each in _targets(request.inputs) if each.get("tag")]
    for tag in tags:
        if tags.count(tag) > 1 or not _TAG.fullmatch(tag):
            yield f"googleapi: Error 400: spec.traffic.tag: {tag}; a tag belongs to one target"


def _targets(inputs: Inputs) -> list[Mapping[str, Any]]:
    """Return who gets the requests; where nothing is said, the latest revision."""
    return inputs.get("traffics") or [_LATEST]


def _plain(template: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in template.items() if key != "revision" and value}


CLOUD_RUN_RULES: tuple[Rule, ...] = (
    revision_named_once,
    revision_name_allowed,
    traffic_is_whole,
    traffic_goes_to_revisions,
    tags_allowed,
)
