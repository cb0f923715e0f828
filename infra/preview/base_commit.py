"""Finds the commit that a preview is compared with: by default where a branch and this one part."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slipway.infra.errors import Refused


@dataclass(frozen=True, slots=True)
class BaseCommit:
    """A commit to compare with. name: of the branch or tag that was given, or ''. notes: sentences."""

    name: str
    commit: str
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return what a reader calls it; the path to a commit, such as HEAD^1, says nothing to him."""
        short = self.commit[:12]
        return f"{self.name} ({short})" if self.name else short


def base_commit(root: Path, ref: str) -> BaseCommit:
    """Resolve `--against`. Raises Refused.

    ref: `main` or `main...`, the merge base of main and HEAD, without what main has got since; `main..`, main
    itself.
    """
    git(root, "rev-parse", "--git-dir")
    written = ref.removesuffix("...").removesuffix("..")
    itself = ref.endswith("..") and not ref.endswith("...")
    tip = _commit_of(root, written)
    name = written if _is_named(root, written) else ""
    if itself:
        return BaseCommit(name, tip)
    done = run_git(root, "merge-base", tip, "HEAD")
    base = done.stdout.split("\n")[0] if not done.returncode else ""
    if not base:
        note = f"{written} and HEAD have no common commit here; compared with {written} itself."
        return BaseCommit(name, tip, (note,))
    newer = git(root, "rev-list", "--count", f"{base}..{tip}").strip()
    if newer == "0":
        return BaseCommit(name, base)
    commits = "1 newer commit, which is" if newer == "1" else f"{newer} newer commits, which are"
    note = (
        f"Compared with {base[:12]}, where {written} and HEAD part. {written} has {commits} not looked at; "
        f"`--against {written}..` compares with {written} itself."
    )
    return BaseCommit(name, base, (note,))


def _commit_of(root: Path, ref: str) -> str:
    done = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if done.returncode:
        raise Refused(
            f"--against got {ref!r}, which is no commit here; it takes a branch, a tag or a commit. "
            f"{_remote_branch(root, ref)}"
            "`git branch --all` lists the branches, `git fetch` gets those of the remote; a shallow clone "
            "lacks older commits (`git fetch --unshallow`)."
        )
    return done.stdout.strip()


def _remote_branch(root: Path, ref: str) -> str:
    """Name the remote's branch of that name: a clone has one local branch, and CI often has none."""
    names = run_git(root, "for-each-ref", "--format=%(refname:short)", "refs/remotes").stdout.split()
    found = next((name for name in names if ref and name.partition("/")[2] == ref), None)
    return f"The remote has it: `--against {found}`. " if found else ""


def _is_named(root: Path, ref: str) -> bool:
    """Return whether it is a branch or a tag, not a path to a commit."""
    done = run_git(root, "rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", ref)
    return not done.returncode and any(line.startswith("refs/") for line in done.stdout.split())


def git_program() -> str:
    """Return git's path. Raises Refused."""
    found = shutil.which("git")
    if found is None:
        raise Refused("--against needs git, which is not on PATH.")
    return found


def git(root: Path, *arguments: str) -> str:
    """Run git in the repository. Raises Refused."""
    done = run_git(root, *arguments)
    if done.returncode:
        raise Refused(f"--against needs a git repository: {done.stderr.strip()}")
    return done.stdout


def run_git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [git_program(), *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
