"""The rules: each with what it looks for, why, and how to fix it. Pure.

A rule sees a resource as plain type, name and inputs, so the offline preview and a CrossGuard policy pack
run the same functions.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slipway.infra.policy import checks
from slipway.infra.policy.checks import Context, Detail
from slipway.infra.resources.reading import Resource

Check = Callable[[Resource, Context], Iterable[Detail]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. check: yields what breaks it in one resource, each in a sentence.

    cell: the one of a resource type's row (infra/resources) that the check needs; '' where it needs none.
    """

    name: str
    title: str
    reason: str
    fix: str
    check: Check
    cell: str = ""


ON_RESOURCES = (
    Rule(
        "public",
        "Open to everybody without `public: true`",
        "Anybody can then call the service, use up its instances, and be billed to you.",
        "Set `public: true` if that is meant; else name who may call it (`invokers`, `allowedCidrs`).",
        checks.public,
        cell="opens",
    ),
    Rule(
        "memory-limit",
        "No memory limit",
        "One instance that grows takes its neighbours with it, and its bill has no bound.",
        "Set `memory`; `slipway fit <model>` shows how much is needed.",
        checks.memory_limit,
        cell="containers",
    ),
    Rule(
        "max-instances",
        "No maximum number of instances",
        "The cost of a burst of requests, or of a loop, then has no bound.",
        "Set `maxInstances`.",
        checks.max_instances,
    ),
    Rule(
        "image-digest",
        "An image without its digest",
        "A tag moves: two instances can run different code, and a rollback may not bring back the old one.",
        "Name the image with @sha256:…, or let the stack build it.",
        checks.image_digest,
        cell="containers",
    ),
    Rule(
        "plain-secret",
        "A secret in the plain environment",
        "It stands in the clear in the state, the console, every preview and every dump of the environment.",
        "Put it into `secrets`: `pulumi config set --secret --path secrets.NAME`.",
        checks.plain_secret,
        cell="containers",
    ),
    Rule(
        "wide-role",
        "A role wider than its use",
        "Whoever takes over the service can do all that its identity may.",
        "Grant the one action on the one resource that the service uses.",
        checks.wide_role,
    ),
    Rule(
        "log-retention",
        "No log retention",
        "A log that is never deleted costs money every month, and may hold what must be deleted.",
        "Set `logRetention`, or on Fargate `logRetentionDays`.",
        checks.log_retention,
    ),
    Rule(
        "deletion-protection",
        "No deletion protection",
        "One `pulumi destroy`, or a change that replaces it, takes production down.",
        "Set `deletionProtection: true`.",
        checks.deletion_protection,
        cell="protection",
    ),
    Rule(
        "stored-data",
        "A database that is open, not encrypted or not backed up",
        "What it holds, such as the inputs of jobs, can then be read by others or lost with one disk.",
        "Encrypt it, keep backups, and let nobody but the service reach it, as the database of `jobs` does.",
        checks.stored_data,
    ),
    Rule(
        "probe",
        "No probe",
        "Requests then go to an instance whose model is not loaded, and a dead one is not replaced.",
        "Ask /ready before requests come, and /alive while it runs.",
        checks.probe,
        cell="containers",
    ),
    Rule(
        "gpu-taint",
        "A GPU node pool without a taint",
        "Other pods then run on GPU nodes and keep them from scaling in, and the GPU is paid for.",
        "Declare the taint nvidia.com/gpu=present:NO_SCHEDULE in the pool.",
        checks.gpu_taint,
    ),
    Rule(
        "gpu-spot",
        "A GPU node pool that does not say whether it is on Spot",
        "Spot costs about a third and is taken back at short notice: a decision to make, not to inherit.",
        "Set `spot` in the pool, true or false.",
        checks.gpu_spot,
    ),
)
BUDGET = Rule(
    "budget",
    "More than the budget",
    "With every instance busy the stack may cost more a month than was agreed.",
    "Lower `maxInstances` or the size of an instance, or raise `budget`.",
    lambda _resource, _context: (),
)
