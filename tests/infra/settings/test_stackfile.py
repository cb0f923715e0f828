from pathlib import Path

import pytest

from slipway.infra.plan.config import (
    ENCRYPTED,
)
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.stackfile import (
    StackFileError,
    settings_from,
    stack_config,
    stack_names,
    values_of_secrets,
)
from slipway.stacks.settings.common import CloudSettings


def write(project: Path, text: str) -> Path:
    (project / "Pulumi.local.yaml").write_text(text)
    return project


def test_scalars_stay_the_text_they_were_written_as(project: Path) -> None:
    config = stack_config(write(project, "config:\n  slipway:port: 8000\n  slipway:cpu: 0.50\n"), "local")
    assert config.values == {"slipway:port": "8000", "slipway:cpu": "0.50"}


def test_a_key_without_a_project_belongs_to_this_one(project: Path) -> None:
    assert stack_config(write(project, "config:\n  memory: 4Gi\n"), "local").values == {
        "slipway:memory": "4Gi"
    }


def test_keys_of_other_projects_are_left_alone(project: Path) -> None:
    config = stack_config(write(project, "config:\n  gcp:project: p\n  slipway:target: local\n"), "local")
    assert settings_from(config).target == "local"


def test_an_encrypted_value_stays_unread_and_is_a_secret(project: Path) -> None:
    config = stack_config(write(project, "config:\n  slipway:apiKey:\n    secure: v1:abc\n"), "local")
    assert config.values["slipway:apiKey"] == ENCRYPTED
    assert config.secret_keys == {"slipway:apiKey"}


def test_an_api_key_in_clear_is_refused(project: Path) -> None:
    config = stack_config(write(project, f"config:\n  target: local\n  apiKey: {'k' * 20}\n"), "local")
    with pytest.raises(SettingsError, match="a value in clear"):
        settings_from(config)


def test_an_override_wins_and_is_named_as_the_place_to_fix(project: Path) -> None:
    config = stack_config(project, "local", ["memory=lots", "cpu=2"])
    assert config.values["slipway:cpu"] == "2"
    with pytest.raises(SettingsError, match=r"memory: got 'lots'.*Fix it in --set"):
        settings_from(config)


@pytest.mark.parametrize("override", ["memory", "=4Gi", ""])
def test_an_override_without_key_or_value_is_refused(project: Path, override: str) -> None:
    with pytest.raises(StackFileError, match=r"--set got .* it takes KEY=VALUE"):
        stack_config(project, "local", [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config: [\n", "not valid YAML"),
        (f"config: {'[' * 3000}", "nested too deeply"),
        ("- a\n", "must be a map"),
        ("config: text\n", "`config` must be a map"),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused_in_words(project: Path, text: str, message: str) -> None:
    with pytest.raises(StackFileError, match=message):
        stack_config(write(project, text), "local")


def test_a_file_that_is_not_utf8_is_refused(project: Path) -> None:
    (project / "Pulumi.local.yaml").write_bytes(b"config:\n  memory: \xff\n")
    with pytest.raises(StackFileError, match=r"Pulumi\.local\.yaml cannot be read"):
        stack_config(project, "local")


def test_an_empty_file_is_a_stack_without_settings(project: Path) -> None:
    assert stack_config(write(project, ""), "local").values == {}


def test_an_unknown_stack_names_the_known_ones(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("")
    assert stack_names(project) == ["dev", "local"]
    with pytest.raises(StackFileError, match=r"no stack 'prod'.*dev, local"):
        stack_config(project, "prod")


def dev_stack(folder: Path, secrets: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: slipway\n")
    head = (
        "config:\n  slipway:target: cloud-run\n  slipway:project: acme-ml\n  slipway:region: europe-west4\n"
    )
    (folder / "Pulumi.dev.yaml").write_text(f"{head}  slipway:secrets:\n{secrets}")
    return folder


def test_an_encrypted_value_inside_a_map_is_hidden_and_a_reference_beside_it_is_read(tmp_path: Path) -> None:
    reference = "projects/acme-ml/secrets/hub/versions/3"
    config = stack_config(
        dev_stack(tmp_path, f"    HF_TOKEN:\n      secure: v1:abc\n    HUB: {reference}\n"), "dev"
    )
    assert "slipway:secrets" in config.secret_keys
    assert "v1:abc" not in str(config)
    assert values_of_secrets(config.values["slipway:secrets"]) == {"HF_TOKEN": ENCRYPTED}
    settings = settings_from(config)
    assert isinstance(settings, CloudSettings)
    assert settings.secrets == {"HUB": reference}


def test_a_value_in_clear_inside_a_map_is_refused_with_the_way_to_encrypt_it(tmp_path: Path) -> None:
    config = stack_config(
        dev_stack(tmp_path, "    HF_TOKEN: hf_abcdef\n    OTHER:\n      secure: v1:abc\n"), "dev"
    )
    with pytest.raises(SettingsError) as caught:
        settings_from(config)
    (fault,) = caught.value.faults
    assert fault.key == "secrets.HF_TOKEN"
    assert "pulumi config set --secret --path secrets.HF_TOKEN" in fault.allowed
    assert "hf_abcdef" not in str(fault)


@pytest.mark.parametrize("name", ["../../elsewhere", "/elsewhere", "a/b", "a b"])
def test_a_project_whose_name_leads_out_of_its_folder_is_refused(project: Path, name: str) -> None:
    """The name is part of the folder in which a local stack's files are written and deleted."""
    (project / "Pulumi.yaml").write_text(f"name: {name}\n")
    with pytest.raises(StackFileError, match=r"Pulumi\.yaml: name is .*; Pulumi allows letters"):
        stack_config(project, "local")
