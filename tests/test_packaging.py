"""The package declares what its lists pin, and the names that people's states hold can be imported."""

import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from slipway.components import sdks
from slipway.infra.setup.optional_lists import MAIN_PACKAGES, OPTIONAL_LISTS
from tests.checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Only builds the package.
BUILDS = {"setuptools"}
# The extras of the sets that only some stacks need -> what their lists are compiled from.
OPTIONAL = {name: file.replace(".txt", ".in") for name, file in OPTIONAL_LISTS.items()}


def pinned(file: str) -> dict[str, str]:
    """Package -> its exact version in a .in file."""
    lines = re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def declared(texts: list[str]) -> dict[str, Requirement]:
    found = [Requirement(text) for text in texts]
    return {canonicalize_name(each.name): each for each in found if each.name != "slipway"}


def extras() -> dict[str, dict[str, Requirement]]:
    return {name: declared(texts) for name, texts in PROJECT["optional-dependencies"].items()}


def assert_ranges_hold(ranges: dict[str, Requirement], pins: dict[str, str]) -> None:
    assert ranges.keys() == pins.keys()
    for name, version in pins.items():
        assert ranges[name].specifier.contains(version), f"{ranges[name]} leaves out {version}"
        bounds = {each.operator for each in ranges[name].specifier}
        assert bounds == {">=", "<"}, f"{ranges[name]} has no lower or no upper bound"


def test_the_dependencies_hold_what_the_local_list_pins_and_no_other_package() -> None:
    pins = pinned("requirements-local.in")
    assert_ranges_hold(declared(PROJECT["dependencies"]), {name: pins[name] for name in pins.keys() - BUILDS})


def test_the_extras_hold_what_the_list_of_the_sdks_pins_and_no_other_package() -> None:
    of_sdks = [extra for name, extra in extras().items() if name not in OPTIONAL]
    together = {name: each for extra in of_sdks for name, each in extra.items()}
    assert_ranges_hold(together, pinned("requirements.in"))


@pytest.mark.parametrize("name", OPTIONAL)
def test_the_extra_of_an_optional_set_holds_what_its_list_pins_and_no_other_package(name: str) -> None:
    assert_ranges_hold(extras()[name], pinned(OPTIONAL[name]))
    assert MAIN_PACKAGES[name] in extras()[name]


def test_the_extra_all_has_every_other_one() -> None:
    [everything] = [Requirement(text) for text in PROJECT["optional-dependencies"]["all"]]
    assert everything.extras == extras().keys() - {"all"}


@pytest.mark.parametrize("package", sorted(pinned("requirements.in")))
def test_the_hint_of_a_missing_sdk_names_an_extra_that_has_it(package: str) -> None:
    hint = sdks.installed_by(package.replace("-", "_"))
    [extra] = re.findall(r"slipway\[(\w+)\]", hint)
    held = extras().values() if extra == "all" else [extras()[extra]]
    assert any(package in each for each in held)


def isolated(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose working directory is the checkout."""
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_installing_needs_the_standard_library_alone() -> None:
    """-I and -S leave out the user's packages, the environment's and the working directory."""
    code = "import runpy, sys; sys.path.insert(0, '.'); sys.argv[1:] = ['nothing']; "
    done = isolated(f"{code}runpy.run_module('infra.setup.install', run_name='__main__')", "-I", "-S")
    assert (done.returncode, done.stderr) == (
        2,
        "install: got 'nothing'; allowed: local, cloud, dev, jobs, text, parquet, ready\n",
    )


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("components.local.provider", ["LocalProcessProvider"]),
        ("components.local.container_provider", ["ContainerImageProvider", "ContainerReadyProvider"]),
    ],
)
def test_the_providers_that_states_hold_by_their_old_name_are_importable_in_a_checkout(
    module: str, names: list[str]
) -> None:
    """Pulumi's host of dynamic providers unpickles them, by reference, with the project as its folder."""
    code = (
        f"import pickle, sys\nfor name in {names}:\n"
        f"    found = pickle.loads(b'c{module}\\n' + name.encode() + b'\\n.')\n"
        f"    assert found.__module__ == {module!r}\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'slipway']\n"
    )
    done = isolated(code)
    assert done.returncode == 0, done.stderr
