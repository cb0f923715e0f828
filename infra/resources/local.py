"""The types of resources that are made on this machine: images, containers, random values, processes."""

from slipway.infra.resources import containers
from slipway.infra.resources.row import HERE, NoCharge, Replacement, Role, Row

IMAGE = "docker-build:index:Image"
PROCESS = "pulumi-python:dynamic/slipway:LocalProcess"
API_KEY = "random:index/randomPassword:RandomPassword"

# Of another value of the `random` provider, or of a provider that the program makes itself.
RANDOM = Row(Role.CONFIGURATION, None, HERE)
PROVIDER = Row(Role.CONFIGURATION, None, HERE)
DYNAMIC = Row(Role.CONFIGURATION, None, HERE)

ROWS = {
    IMAGE: Row(
        Role.IMAGE,
        Replacement.by("", "pulumi-docker-build 0.0.22, provider/internal/image.go, Diff"),
        NoCharge("built on this machine; the registry bills what it stores"),
        new_outputs=True,
    ),
    "docker:index/container:Container": Row(
        Role.SERVICE,
        Replacement.by(
            "attach containerReadRefreshTimeoutMilliseconds cpuPeriod cpuQuota cpuSet cpuShares "
            "destroyGraceSeconds deviceReadBps deviceReadIops deviceWriteBps deviceWriteIops healthcheck "
            "init logs maxRetryCount memory memoryReservation memorySwap mustRun removeVolumes restart rm "
            "start tmpfs wait waitTimeout",
            "terraform-provider-docker, internal/provider/resource_docker_container.go",
            everything=True,
        ),
        HERE,
        containers=containers.of_docker,
    ),
    "docker:index/remoteImage:RemoteImage": Row(
        Role.IMAGE,
        Replacement.by(
            "name platform pullTriggers triggers",
            "terraform-provider-docker, internal/provider/resource_docker_image.go",
        ),
        HERE,
    ),
    PROCESS: Row(
        Role.SERVICE,
        Replacement.by("", "components/local/provider.py, diff"),
        HERE,
        rolls_on=("",),  # every input: a new version starts next to the one that serves
    ),
    "pulumi-python:dynamic/slipway:ContainerImage": Row(
        Role.IMAGE,
        Replacement.by("", "components/local/container_provider.py, diff"),
        HERE,
        new_outputs=True,
        stays="image on the Docker engine, which `docker image rm` deletes",
    ),
    "pulumi-python:dynamic/slipway:ContainerReady": Row(
        Role.SCALING, Replacement.by("", "components/local/container_provider.py, diff"), HERE
    ),
    "random:index/randomId:RandomId": Row(
        Role.NAME,
        Replacement.by(
            "byteLength keepers prefix", "terraform-provider-random 3.7, internal/provider/resource_id.go"
        ),
        HERE,
    ),
    API_KEY: Row(
        Role.API_KEY,
        Replacement.by(
            "", "terraform-provider-random, internal/provider/resource_password.go", everything=True
        ),
        HERE,
    ),
}
