"""A git repository with this project in it, as it is now, and pull requests on top."""

import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from slipway.infra.preview.other_commit import Base, Planning, checkout_of
from tests.checkout import copy_of_the_checkout

DEV: Mapping[str, str] = {
    "target": "cloud-run",
    "project": "acme-ml",
    "region": "europe-west4",
    "memory": "512Mi",
    "minInstances": "1",
    "maxInstances": "4",
    "image": f"europe-west4-docker.pkg.dev/acme-ml/images/server@sha256:{'a' * 64}",
}
QUIET_STACK: Mapping[str, str] = {
    "target": "cloud-run",
    "project": "acme-ml",
    "region": "europe-west4",
    "memory": "1Gi",
    "image": f"europe-west4-docker.pkg.dev/acme-ml/images/server@sha256:{'a' * 64}",
    "invokers": '["user:ada@example.com"]',
}
"""Breaks no rule."""
PROD: Mapping[str, str] = {
    "target": "gke",
    "project": "acme-ml",
    "region": "europe-west4",
    "zones": '["europe-west4-a", "europe-west4-b"]',
    "task": "summarize",
    "model": f"hf:google/flan-t5-base@{'7' * 40}",
    "gpu": "nvidia-l4",
    "cpu": "3",
    "memory": "8Gi",
    "spot": "false",
    "image": f"europe-west4-docker.pkg.dev/acme-ml/images/server@sha256:{'a' * 64}",
}
OLD: Mapping[str, str] = {"target": "fargate", "region": "eu-west-1", "cpu": "1", "memory": "2Gi"}
STACKS: Mapping[str, Mapping[str, str]] = {"dev": DEV, "old": OLD, "prod": PROD}


def git(folder: Path, *arguments: str) -> str:
    """As somebody, on any machine."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository_in(folder: Path) -> Path:
    """Commit the program of this checkout with the three stacks to the branch `main`."""
    folder.mkdir(parents=True)
    copy_of_the_checkout(folder)
    for file in folder.glob("Pulumi.*.yaml"):
        file.unlink()
    for stack, settings in STACKS.items():
        write_stack(folder, stack, settings)
    git(folder, "init", "--initial-branch", "main")
    commit(folder, "Start")
    return folder


def write_stack(
    folder: Path, stack: str, settings: Mapping[str, str], secure: Mapping[str, str] = {}
) -> None:
    """secure: key -> encrypted text; `secrets.NAME` is a key within the map."""
    lines = [f"  slipway:{key}: '{value}'" for key, value in settings.items() if not value.startswith("[")]
    lines += [f"  slipway:{key}: {value}" for key, value in settings.items() if value.startswith("[")]
    lines += [f"  slipway:{key}: {{secure: {text}}}" for key, text in secure.items() if "." not in key]
    inner = [
        f"    {key.removeprefix('secrets.')}: {{secure: {text}}}"
        for key, text in secure.items()
        if "." in key
    ]
    lines += ["  slipway:secrets:", *inner] if inner else []
    (folder / f"Pulumi.{stack}.yaml").write_text("\n".join(["config:", *lines]) + "\n")


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@contextmanager
def plans_at(folder: Path, ref: str, *stacks: str) -> Generator[Base]:
    """Plan the stacks at a commit as `--against` does."""
    with checkout_of(folder, ref) as base:
        planning = Planning(folder, base, stacks)
        planning.finish()
        yield base
