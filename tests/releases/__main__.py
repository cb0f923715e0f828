"""`make snapshots` writes what the code is now; `make release VERSION=…` cuts a release of it."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime

from slipway.infra.setup.changelog import is_version
from tests.checkout import ROOT
from tests.releases.cut import NoRelease, cut
from tests.releases.folder import HERE, NEXT, read, snapshots, write


def main(words: list[str]) -> int:
    if words == ["snapshots"]:
        write(NEXT, snapshots())
        return 0
    [_, version] = words
    tagged = subprocess.run(
        ["git", "rev-parse", "-q", "--verify", f"refs/tags/v{version}"], cwd=ROOT, capture_output=True
    )
    try:
        cut(ROOT, version, datetime.now(UTC).date(), tagged=tagged.returncode == 0)
    except NoRelease as reason:
        print(f"release: {reason}", file=sys.stderr)
        return 2
    write(NEXT, snapshots())
    for path in HERE.iterdir():
        if is_version(path.name):
            shutil.rmtree(path)
    write(HERE / version, read(NEXT))
    print(f"Cut {version}. Read CHANGELOG.md, commit, merge, then tag main: git tag -s v{version}")
    return 0


sys.exit(main(sys.argv[1:]))
