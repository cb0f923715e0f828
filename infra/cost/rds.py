"""Charges of a database of RDS: its instance and its disk, all the time. Pure.

Source: aws.amazon.com/rds/postgresql/pricing. Backups up to the size of the disk are included.
"""

from slipway.infra.cost.aws import region_of
from slipway.infra.cost.charge import Charge, NotPriced, Priced, Scene, Verdict
from slipway.infra.cost.usage import HOURS
from slipway.infra.resources.reading import Resource, at, number


def instance(resource: Resource, _scene: Scene) -> Verdict:
    """Price an instance; at its maximum its disk has grown as far as it may."""
    inputs = resource.inputs
    kind, region = str(at(inputs, "instanceClass")), region_of(resource)
    if not region or at(inputs, "engine") != "postgres" or at(inputs, "multiAz") is True:
        return NotPriced("only one instance of PostgreSQL in a known region has a price here")
    disk = number(at(inputs, "allocatedStorage"), 0)
    most = max(disk, number(at(inputs, "maxAllocatedStorage"), disk))
    charges = (
        Charge.always(f"rds/postgres/{kind}", HOURS),
        Charge(f"rds/{at(inputs, 'storageType') or 'gp2'}", disk, disk, most),
    )
    return Priced(region, charges, note=f"{kind} with {disk:g} GB, which grow up to {most:g} GB")
