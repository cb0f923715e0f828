"""Imports go one way: from infra to stacks to components, and down the packages of infra."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Folder -> what it may import besides itself. `modeltools` prepares models for the server that serves them.
MAY_IMPORT = {
    "service": set[str](),
    "components": set[str](),
    "stacks": {"components"},
    "infra": {"stacks", "components"},
    "modeltools": {"service"},
}
# Those know nothing of who imports them, and are imported under two names (docs/adr): all theirs is relative.
RELATIVE_ONLY = {"service", "components", "modeltools"}
WITHOUT_PULUMI = {"service", "modeltools"}
# What the components of a cloud share -> that cloud's components, and the SDK of the cloud.
CLOUDS = {"google": ({"cloud_run", "gke"}, "pulumi_gcp"), "aws": ({"fargate"}, "pulumi_aws")}
# Those of no cloud or of several.
OF_ANY_CLOUD = {"image", "kubernetes", "local"}
# What components of every cloud share, and is large enough for a folder.
SHARED = {"jobs", "observability", "rollouts"}
# The packages of infra, the lowest first: each imports only from those before it.
ORDER = (
    *("errors", "setup", "confinement", "resources", "plan", "settings", "local", "targets", "program"),
    *("model", "manifests", "diff", "cost", "policy", "advise", "preview", "batch", "cli", "reference"),
)
MOST_EDGES = 68
MOST_LINES = 400


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported name in full, from the repository's root or from outside, and whether it is relative."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(package):
                raise AssertionError(f"{path}:{node.lineno} imports from above the root")
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{module}.{alias.name}".removeprefix("slipway."), bool(node.level)


def test_imports_go_one_way_between_the_top_folders() -> None:
    for folder, allowed in MAY_IMPORT.items():
        forbidden = (MAY_IMPORT.keys() - allowed - {folder}) | {"tests", "bench"}
        forbidden |= {"pulumi"} if folder in WITHOUT_PULUMI else set()
        for path in modules(folder):
            for name, relative in imported(path):
                top = name.split(".")[0]
                assert top not in forbidden, f"{path.relative_to(ROOT)} imports {name}"
                if top == folder and folder in RELATIVE_ONLY:
                    assert relative, f"{path.relative_to(ROOT)} imports {name} by its full name"


def test_the_components_of_a_cloud_import_nothing_of_another_one() -> None:
    packages = {path.parent.name for path in (ROOT / "components").glob("*/__init__.py")}
    assert packages == {*CLOUDS, *OF_ANY_CLOUD, *SHARED}.union(
        *(components for components, _ in CLOUDS.values())
    )
    for cloud, (components, _) in CLOUDS.items():
        forbidden = set[str]()
        for other, (theirs, sdk) in CLOUDS.items():
            if other != cloud:
                forbidden |= {sdk, *(f"components.{package}" for package in (other, *theirs))}
        for package in (cloud, *components):
            for path in modules(f"components/{package}"):
                for name, _ in imported(path):
                    found = {name.split(".")[0], ".".join(name.split(".")[:2])} & forbidden
                    assert not found, f"{path.relative_to(ROOT)} imports {name}"


def test_what_the_components_share_imports_no_component() -> None:
    packages = OF_ANY_CLOUD.union(*(components for components, _ in CLOUDS.values()))
    shared = [path for path in modules("components") if path.relative_to(ROOT).parts[1] not in packages]
    for path in shared:
        for name, _ in imported(path):
            component = name.startswith("components.") and name.split(".")[1] in packages
            assert not component, f"{path.relative_to(ROOT)} imports {name}"


def test_the_packages_of_infra_import_only_downwards_and_few_of_each_other() -> None:
    edges: set[tuple[str, str]] = set()
    for path in modules("infra"):
        parts = path.relative_to(ROOT).parts
        if len(parts) == 2 and path.stem == "__init__":
            continue
        package = parts[1].removesuffix(".py")
        assert package in ORDER, f"infra/{parts[1]} has no place in the order"
        for name, _ in imported(path):
            names = name.split(".")
            if names[0] == "infra" and names[1] != package:
                edges.add((package, names[1]))
                assert ORDER.index(names[1]) < ORDER.index(package), f"{'/'.join(parts)} imports {name}"
    assert len(edges) <= MOST_EDGES


def test_only_infra_reads_the_configuration_and_modules_stay_small_enough_to_read_at_once() -> None:
    for path in modules(*MAY_IMPORT):
        text = path.read_text()
        assert len(text.splitlines()) <= MOST_LINES, path.relative_to(ROOT)
        if path.relative_to(ROOT).parts[0] in ("components", "stacks"):
            nodes = ast.walk(ast.parse(text))
            read = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
            assert not read & {"pulumi.Config", "os.environ", "os.getenv"}, path.relative_to(ROOT)
