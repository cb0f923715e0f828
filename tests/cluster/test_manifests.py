"""What `slipway manifests` writes is taken by a real API server as it is."""

import pytest
import yaml

from slipway.infra.manifests.objects import manifests_of, yaml_files, yaml_of
from tests.cluster.api import Api
from tests.contract.kubernetes_cases import GOOGLE, GPU, POOL
from tests.infra.manifests.test_manifests import EVERYTHING, plan

pytestmark = pytest.mark.cluster


def test_the_yaml_of_a_stack_is_taken_from_its_first_object_to_its_last(api: Api) -> None:
    found = manifests_of(plan({**EVERYTHING, "namespace": "gitops"}))
    objects = [each for each in yaml.safe_load_all(yaml_of(found)) if each]
    assert len(objects) == 15
    for each in objects:
        api.apply(each)
    api.delete(next(each for each in objects if each["kind"] == "Deployment"))


def test_so_is_each_file_of_a_folder_in_the_order_of_the_list(api: Api) -> None:
    found = manifests_of(plan({**GPU, **POOL, **GOOGLE, "namespace": "gitops-files", "max_replicas": 4}))
    files = yaml_files(found)
    for each in found.objects:
        api.apply(yaml.safe_load(files[f"{each.name}.yaml"]))
    api.delete(next(each.body for each in found.objects if each.body["kind"] == "Deployment"))
