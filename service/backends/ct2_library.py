"""Imports CTranslate2, with what has to be set before."""

import os
from typing import Any

# Its threads wait for one another many times a token, and by default spin for milliseconds meanwhile: with
# two batches at once, a neighbour on the machine or a quota of CPU time that is taken from what computes. A
# value that is set stays: gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import ctranslate2  # pyright: ignore[reportMissingTypeStubs] - the package ships no types

engine: Any = ctranslate2
engine.set_log_level(50)  # critical: what is wrong is raised, and its lines are no JSON
