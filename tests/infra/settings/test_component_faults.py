"""What a component does not take, in the words of the settings that its arguments came from."""

from slipway.components.fault import ArgumentsError, Fault
from slipway.infra.settings.faults import in_settings
from slipway.infra.settings.reading import settings_of

SETTINGS = settings_of(
    "dev",
    {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "memory": "512Mi"},
)


def said(*faults: Fault) -> list[str]:
    places = {"secrets": "--set", "memory": "Pulumi.yaml"}
    found = in_settings(
        ArgumentsError("api", faults), SETTINGS, lambda key: places.get(key, "Pulumi.dev.yaml"), set()
    )
    return [str(fault) for fault in found]


def test_a_part_of_a_map_is_mended_where_the_map_was_set() -> None:
    assert said(
        Fault("secrets.HUB", "no reference"), Fault("secret_values", "A", "keep one", verb="has")
    ) == [
        "secrets.HUB is no reference. Fix it in --set.",
        "secrets has A; keep one. Fix it in --set.",
    ]


def test_a_value_and_its_nearest_are_written_as_the_setting_is() -> None:
    fault = Fault("memory_gib", "0.5", "`cpu` 4 takes at least 2 GiB", "with `min_replicas` 0", nearest=2)
    assert said(fault) == [
        "memory is 512Mi with `minInstances` 0; `cpu` 4 takes at least 2 GiB. Did you mean 2Gi? "
        "Fix it in Pulumi.yaml."
    ]


def test_what_two_components_say_of_one_setting_is_named_once() -> None:
    digest = [Fault(argument, "'a:1'", "it must have its digest") for argument in ("image_ref", "image")]
    names = [Fault("name", f"'a_b{end}'", "allowed are letters") for end in ("", "-image")]
    assert said(*digest, *names) == [
        "image is 'a:1'; it must have its digest. Fix it in Pulumi.dev.yaml.",
        "name is 'a_b'; allowed are letters. Fix it in Pulumi.dev.yaml: set `name`.",
    ]
