import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slipway.components.fargate import FargateServiceArgs
from slipway.components.gke import GkeClusterArgs
from slipway.components.sizes import gib
from slipway.infra.settings.faults import SettingFault, SettingsError
from slipway.infra.settings.reading import settings_of
from slipway.infra.settings.reference import page
from slipway.stacks.settings.cloud_run import CloudRunSettings
from slipway.stacks.settings.kubernetes import KubernetesSettings
from slipway.stacks.settings.local import LocalSettings
from slipway.stacks.settings.targets import keys, row_of, rows_of

LOCAL = {"target": "local"}


def faults_of(given: dict[str, str], **more: object) -> list[SettingFault]:
    with pytest.raises(SettingsError) as caught:
        settings_of("local", given, **more)  # pyright: ignore[reportArgumentType]
    return caught.value.faults


def test_a_stack_that_names_only_its_target_gets_every_default() -> None:
    settings = settings_of("local", LOCAL)
    assert isinstance(settings, LocalSettings)
    assert (settings.model, settings.task, settings.port) == ("bundled:sms-spam", "classify", 8000)
    assert settings.given == {"target"}


def test_an_empty_value_means_unset() -> None:
    assert settings_of("local", {**LOCAL, "memory": "", "cpu": ""}) == settings_of("local", LOCAL)


def test_a_stack_without_a_target_is_refused() -> None:
    (fault,) = faults_of({})
    assert (fault.key, fault.got, fault.file) == ("target", "nothing", "Pulumi.local.yaml")


def test_five_faults_are_reported_at_once_each_with_key_value_allowed_and_file() -> None:
    given = {"target": "moon", "cpu": "many", "memory": "4GB", "port": "80", "timeout": "0"}
    with pytest.raises(SettingsError) as caught:
        settings_of("dev", given)
    assert {fault.key for fault in caught.value.faults} == set(given)
    for fault in caught.value.faults:
        line = next(
            line for line in str(caught.value).splitlines() if line.strip().startswith(f"{fault.key}:")
        )
        assert repr(given[fault.key]) in line
        row = row_of(fault.key)
        assert row is not None
        assert row.allowed in line
        assert "Pulumi.dev.yaml" in line


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    (fault,) = faults_of({**LOCAL, "maxInstnces": "3"})
    assert fault.hint == "maxInstances"
    assert "Did you mean maxInstances?" in str(fault)


def test_a_decimal_byte_unit_names_the_binary_one() -> None:
    (fault,) = faults_of({**LOCAL, "memory": "4GB"})
    assert fault.hint == "4Gi"


def test_max_instances_below_min_instances_is_refused() -> None:
    (fault,) = faults_of({**LOCAL, "minInstances": "5", "maxInstances": "2"})
    assert (fault.key, fault.got) == ("maxInstances", "'2'")
    assert "5 or more, which is minInstances" in fault.allowed


def test_the_place_that_set_a_value_is_named() -> None:
    (fault,) = faults_of({**LOCAL, "cpu": "x"}, where={"cpu": "--set"})
    assert str(fault).endswith("Fix it in --set.")


def test_a_secret_is_never_printed() -> None:
    short = "hunter2"
    (fault,) = faults_of({**LOCAL, "apiKey": short})
    assert short not in str(fault)
    assert "7 characters" in str(fault)


def test_a_secret_in_clear_is_refused_with_the_command_that_encrypts_it() -> None:
    key = "k" * 20
    (fault,) = faults_of({**LOCAL, "apiKey": key}, in_clear=["apiKey"])
    assert "pulumi config set --secret apiKey" in fault.allowed
    assert key not in str(fault)


@pytest.mark.parametrize(
    ("text", "size"), [("2Gi", 2.0), ("512Mi", 0.5), ("1073741824", 1.0), ("1.5Gi", 1.5), ("65536Ki", 0.0625)]
)
def test_memory_is_a_kubernetes_quantity(text: str, size: float) -> None:
    assert gib(text) == size


@pytest.mark.parametrize("text", ["", "Gi", "-1Gi", "1 Gib", "4gb", "1e3", "NaN", "63Mi", "2Ti", "\u0661Gi"])
def test_what_is_no_quantity_in_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 its text is only a hint
        gib(text)


@given(st.integers(64, 2**20))
def test_every_whole_number_of_mebibytes_in_range_is_read_exactly(mebibytes: int) -> None:
    assert gib(f"{mebibytes}Mi") == mebibytes / 1024


@given(st.dictionaries(st.sampled_from(keys()) | st.text(max_size=12), st.text(max_size=20)))
def test_any_settings_are_accepted_or_refused_with_faults_that_name_their_keys(given: dict[str, str]) -> None:
    try:
        settings = settings_of("local", given)
    except SettingsError as error:
        faults = error.faults
    else:
        assert (settings.min_replicas or 0) <= (settings.max_replicas or 1000)
        return
    assert faults
    assert {fault.key for fault in faults} <= set(given) | {"target", "maxInstances"}


def test_pulumi_yaml_declares_exactly_the_keys_that_are_not_secret_each_optional() -> None:
    declared = yaml.safe_load(Path("Pulumi.yaml").read_text())["config"]
    assert list(declared) == [key for key in keys() if key != "apiKey"]
    unset: dict[str, object] = {"string": "", "array": [], "object": {}}
    assert all(entry["default"] == unset[entry["type"]] for entry in declared.values())
    maps = {key for key in keys() if (row := row_of(key)) and row.type in ("map", "secret map")}
    assert {key for key, entry in declared.items() if entry["type"] == "object"} == maps


def test_the_defaults_that_the_cli_hands_on_count_as_unset() -> None:
    assert settings_of("local", {**LOCAL, "env": "{}", "invokers": "[]"}) == settings_of("local", LOCAL)


CLOUD_RUN = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"}


def test_a_cloud_run_stack_names_its_project_and_region() -> None:
    faults = faults_of({"target": "cloud-run"})
    assert [(fault.key, fault.got) for fault in faults] == [("project", "nothing"), ("region", "nothing")]
    settings = settings_of("dev", CLOUD_RUN)
    assert isinstance(settings, CloudRunSettings)
    assert (settings.project, settings.region) == ("acme-ml", "europe-west4")


@pytest.mark.parametrize("key", [key for key in keys() if "local" not in rows_of(key)])
def test_a_key_that_means_nothing_on_the_target_is_refused(key: str) -> None:
    values = {"gpu": "nvidia-l4", "concurrency": "4", "region": "europe-west4", "project": "acme-ml"}
    values |= {"image": f"host/a@sha256:{'0' * 64}", "ingress": "all", "domain": "api.example.com"}
    values |= {"invokers": '["allUsers"]', "env": '{"A": "1"}', "labels": '{"a": "b"}'}
    values |= {"secrets": '{"A": "projects/p/secrets/a/versions/1"}'}
    arn, names = "arn:aws:ecs:eu-west-1:123456789012:cluster/a", '["a", "b"]'
    values |= {"certificate": arn, "listener": arn, "cluster": arn, "listenerSecurityGroup": "sg-0a"}
    values |= {"allowedCidrs": names, "zones": names, "subnets": names, "taskSubnets": names}
    values |= {"network": "vpc-0a", "architecture": "arm64", "egress": "endpoints", "spotPercent": "50"}
    values |= {"schedule": '{"a": "rate(1 day) 1-2"}', "ephemeralStorage": "30Gi", "logRetentionDays": "7"}
    values |= {"containerInsights": "enabled"}
    values |= {"machineType": "g2-standard-4", "gpuDriver": "latest", "gpuSharing": "mps", "gpuClients": "2"}
    values |= {"minNodes": "0", "minNodesPerZone": "1", "maxNodes": "4", "nodeDisk": "50Gi", "gpuCount": "2"}
    values |= {"location": "europe-west4-a", "releaseChannel": "stable", "controlPlaneCidrs": names}
    values |= {"repository": "host/a", "serving": "kserve", "modelDelivery": "mount", "modelSize": "4Gi"}
    values |= {"nodeSelector": '{"a": "b"}', "allowedNamespaces": names, "requestsPerInstance": "5"}
    values |= {"metricsPath": "/metrics", "canaryPercent": "10", "backend": "torch"}
    (fault,) = faults_of({**LOCAL, key: values.get(key, "true")})
    assert fault.key == key
    assert "nothing with target local" in fault.allowed


def test_a_fargate_stack_runs_one_instance_where_nothing_is_said() -> None:
    fargate = {"target": "fargate", "region": "eu-west-1"}
    assert page("fargate").count("| `minInstances` | integer | instances | `1` |") == 1
    assert settings_of("prod", {**fargate, "minInstances": "4", "maxInstances": "9"}).min_replicas == 4
    assert page("cloud-run").count("| `minInstances` | integer | instances | `0` |") == 1


def test_a_default_of_a_component_is_in_the_reference_in_the_unit_of_its_setting() -> None:
    assert "| `nodeDisk` | quantity | bytes | `100Gi` |" in page("gke")
    assert "| `releaseChannel` | choice |  | `regular` |" in page("gke")
    assert "| `privateNodes` | flag |  | `true` |" in page("gke")
    assert "| `memory` | quantity | bytes | `2Gi` |" in page("kubernetes")


def test_what_is_not_given_is_left_to_the_component() -> None:
    settings = settings_of("prod", {"target": "gke", "region": "europe-west4", "project": "acme-ml"})
    assert settings.args_for(GkeClusterArgs) == {"project": "acme-ml"}
    more = {"target": "gke", "region": "europe-west4", "project": "acme-ml", "nodeDisk": "100Gi"}
    assert settings_of("prod", more).args_for(GkeClusterArgs)["disk_gib"] == 100


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("cluster", "arn:aws:ecs:eu-west-1:123456789012:cluster/a", "fargate"),
        ("cluster", "shared", "gke"),
        ("network", "vpc-0a", "fargate"),
        ("network", "projects/host/global/networks/inner", "gke"),
        ("zones", '["europe-west4-a"]', "gke"),
    ],
)
def test_a_key_of_two_clouds_takes_what_each_of_them_calls_it(key: str, value: str, right: str) -> None:
    given = {"target": right, "region": "europe-west4", "project": "acme-ml", key: value}
    if right == "fargate":
        del given["project"]
    settings_of("prod", given)


def test_a_reference_to_a_secret_of_the_cluster_is_no_value() -> None:
    text = '{"A": "kubernetes:shared/token", "B": "shared/token"}'
    settings = settings_of("prod", {"target": "kubernetes", "secrets": text})
    assert isinstance(settings, KubernetesSettings)
    assert settings.secrets == {"A": "kubernetes:shared/token"}


def test_a_schedule_is_read_with_its_limits_and_time_zone() -> None:
    text = json.dumps({"a": "cron(0 8 ? * MON-FRI *) 4-20 Europe/Berlin", "b": "rate(1 day) 1-2"})
    found = settings_of("prod", {"target": "fargate", "region": "eu-west-1", "schedule": text})
    workdays, daily = found.args_for(FargateServiceArgs)["schedules"]
    assert workdays == {
        "name": "a",
        "schedule": "cron(0 8 ? * MON-FRI *)",
        "timezone": "Europe/Berlin",
        "min_replicas": 4,
        "max_replicas": 20,
    }
    assert (daily["name"], daily["timezone"], daily["max_replicas"]) == ("b", "UTC", 2)


@pytest.mark.parametrize("text", ['{"a": "8:00"}', '{"a": "rate(1 day) 3"}', '{"a": "rate(1 day) 1-x"}'])
def test_a_schedule_of_another_form_is_refused_with_one_that_is_right(text: str) -> None:
    (fault,) = faults_of({"target": "fargate", "region": "eu-west-1", "schedule": text})
    assert (fault.key, fault.hint) == ("schedule", "cron(0 8 ? * MON-FRI *) 4-20 Europe/Berlin")


def test_maps_and_lists_are_read_and_numbers_in_them_become_text() -> None:
    given = {**CLOUD_RUN, "env": '{"MAX_TEXTS": 100, "LOG_LEVEL": "debug"}', "invokers": '["user:a@b.c"]'}
    settings = settings_of("dev", given)
    assert isinstance(settings, CloudRunSettings)
    assert settings.env == {"MAX_TEXTS": "100", "LOG_LEVEL": "debug"}
    assert settings.invokers == ("user:a@b.c",)


def test_of_the_secrets_only_references_are_settings() -> None:
    reference = "projects/p/secrets/a/versions/1"
    settings = settings_of("dev", {**CLOUD_RUN, "secrets": f'{{"A": "{reference}", "B": "a-value"}}'})
    assert isinstance(settings, CloudRunSettings)
    assert settings.secrets == {"A": reference}


@pytest.mark.parametrize("text", ["no-json", "[1]", '{"A": {"B": 1}}', '{"A": '])
def test_a_map_that_is_none_is_refused_without_showing_secrets(text: str) -> None:
    (fault,) = faults_of({**CLOUD_RUN, "secrets": text})
    assert fault.key == "secrets"
    assert text not in str(fault)


def test_a_model_of_the_hub_is_pinned_to_a_commit() -> None:
    assert settings_of("dev", {**CLOUD_RUN, "model": f"hf:acme/spam@{'0' * 40}"}).model.endswith("0")
    (fault,) = faults_of({**CLOUD_RUN, "model": "hf:acme/spam@main"})
    assert fault.hint == "hf:<owner>/<name>@<commit of 40 digits>"


def test_a_project_with_a_domain_and_a_region_with_two_digits_are_known() -> None:
    given = {"target": "cloud-run", "project": "example.com:acme-ml", "region": "europe-west10"}
    settings = settings_of("dev", given)
    assert isinstance(settings, CloudRunSettings)
    assert (settings.project, settings.region) == ("example.com:acme-ml", "europe-west10")
