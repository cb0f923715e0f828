"""Charges of a database in Cloud SQL: its machine and its disk, all the time; backups by use. Pure.

Source: cloud.google.com/sql/pricing, PostgreSQL, Enterprise edition.
"""

from slipway.infra.cost.charge import Charge, NotPriced, Priced, Scene, Verdict
from slipway.infra.cost.usage import HOURS
from slipway.infra.resources.reading import UNKNOWN, Resource, at, number

# DOCS sql/docs/postgres/create-instance: the disk where none is named, in GB.
_LEAST_DISK_GB = 10


def instance(resource: Resource, _scene: Scene) -> Verdict:
    region, tier = resource.inputs.get("region"), at(resource.inputs, "settings", "tier")
    if not isinstance(region, str) or UNKNOWN in (region, tier):
        return NotPriced("its region or tier is not known before it is made")
    if at(resource.inputs, "settings", "availabilityType") == "REGIONAL":
        return NotPriced("no price of an instance with a standby is known here")
    disk = number(at(resource.inputs, "settings", "diskSize"), _LEAST_DISK_GB)
    charges = (
        Charge.always(f"cloud-sql/{tier}", HOURS),
        Charge.always("cloud-sql/ssd", disk),
    )
    note = f"{tier} with {disk:g} GB; the disk grows with the jobs that are kept"
    return Priced(region, charges, note=note, unknown=("backups, $0.08 a GB and month",))
