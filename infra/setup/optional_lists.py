"""The sets of packages that only some stacks need, each with a hash-locked list of its own.

Standard library only, in the syntax of Python 3.7: an installation reads it before anything is there.
"""

from __future__ import annotations

OPTIONAL_LISTS = {
    "jobs": "service/requirements-jobs.txt",
    "text": "service/requirements-ctranslate2.txt",
    "parquet": "service/requirements-parquet.txt",
}
# The package that a set is for; the others of its list come with it.
MAIN_PACKAGES = {"jobs": "dbos", "text": "ctranslate2", "parquet": "pyarrow"}
