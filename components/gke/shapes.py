"""What a machine type has, from the tables or derived from its name. Pure; vCPU, GiB.

Sources: cloud.google.com/compute/docs/general-purpose-machines, memory-optimized-machines and
compute-optimized-machines; /compute/docs/instances/creating-instance-with-custom-machine-type.
"""

import re
from collections.abc import Mapping

from .machines import MACHINES, Machine, equipped

_KINDS = r"standard|highmem|highcpu|megamem|ultramem|hypermem|highgpu|megagpu|ultragpu|edgegpu|maxgpu"
_TYPE = re.compile(
    rf"(?P<family>[a-z][a-z0-9]*)-(?P<kind>{_KINDS})-(?P<cpu>[1-9][0-9]{{0,3}})g?(-(metal|[a-z0-9]*lssd))?"
)
_CUSTOM = re.compile(
    r"((?P<family>[a-z][a-z0-9]*)-)?custom-(?P<cpu>[1-9][0-9]{0,2})-(?P<mib>[1-9][0-9]{2,6})(-ext)?"
)
# GiB a vCPU, where the family has one ratio at every size.
_GIB: Mapping[tuple[str, str], float] = {
    **{(family, "standard"): 4 for family in ("e2", "n2", "n2d", "n4", "c2", "c2d", "c3", "c3d", "t2d")},
    **{(family, "highmem"): 8 for family in ("e2", "n2", "n2d", "n4", "c2d", "c3", "c3d")},
    ("c4", "standard"): 3.75,
    ("c4", "highmem"): 7.75,
    ("n1", "standard"): 3.75,
    ("n1", "highmem"): 6.5,
}
# All of their machines are in the tables.
_LISTED = {name.rpartition("-")[0] for name, machine in MACHINES.items() if machine.gpu}
# Processors that the images, made for linux/amd64, do not run on.
_ARM = ("t2a", "c4a", "n4a")


def machine_of(name: str, gpu: str = "") -> Machine | None:
    """Return what is known of a machine type; None if its size is not known.

    gpu: the accelerator that is attached if a machine supports several kinds.
    """
    machine = MACHINES.get(name)
    if machine is not None:
        return equipped(machine, gpu)
    if custom := _CUSTOM.fullmatch(name):
        return Machine(name, int(custom["cpu"]), int(custom["mib"]) / 1024)
    found = _TYPE.fullmatch(name)
    gib = _GIB.get((found["family"], found["kind"])) if found and may_be_machine(name) else None
    return Machine(name, int(found["cpu"]), int(found["cpu"]) * gib) if found and gib else None


def may_be_machine(name: str) -> bool:
    """Return whether the type is known, or of a family whose sizes are not all listed here."""
    if name in MACHINES or _CUSTOM.fullmatch(name):
        return True
    found = _TYPE.fullmatch(name)
    return found is not None and f"{found['family']}-{found['kind']}" not in _LISTED


def is_arm(name: str) -> bool:
    """Return whether the machine's processors are ARM."""
    return name.split("-")[0] in _ARM
