"""Work that takes longer than a request: accepted into a database, computed by workers, never lost.

`job` says what a job is, `store` what can be done with jobs; everything else implements those two. The files
that a job names are read and written by what implements `files`.
"""

from .job import Accepted, FileInput, Input, Job, JobCounts, JobState, ListInput, NewJob, OneInput, Page
from .store import JobStore

__all__ = [
    "Accepted",
    "FileInput",
    "Input",
    "Job",
    "JobCounts",
    "JobState",
    "JobStore",
    "ListInput",
    "NewJob",
    "OneInput",
    "Page",
]
