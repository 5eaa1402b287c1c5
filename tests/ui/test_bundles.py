"""What is committed in ui/assets/vendor is what its sources and its lock give."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES, VENDOR = ROOT / "ui" / "bundles", ROOT / "ui" / "assets" / "vendor"
REBUILD = "build them anew: cd ui/bundles && npm ci && npm run build"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def said() -> dict[str, dict[str, str]]:
    return json.loads((VENDOR / "bundles.json").read_text())


@pytest.fixture(scope="module")
def locked() -> dict[str, dict[str, str]]:
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    return {name.removeprefix("node_modules/"): entry for name, entry in packages.items() if name}


def test_bundles_are_of_these_sources_and_this_lock(said: dict[str, dict[str, str]]) -> None:
    wanted = {p.name for p in SOURCES.iterdir() if p.suffix in (".js", ".mjs", ".json")}
    assert set(said["sources"]) == wanted
    changed = [name for name, value in said["sources"].items() if digest(SOURCES / name) != value]
    assert not changed, f"{', '.join(changed)} changed after the bundles were built; {REBUILD}"


def test_bundles_are_those_that_were_built(said: dict[str, dict[str, str]]) -> None:
    assert set(said["bundles"]) == {p.name for p in VENDOR.iterdir()} - {"bundles.json"}
    assert not [name for name, value in said["bundles"].items() if digest(VENDOR / name) != value], REBUILD
    for name in said["bundles"]:
        if name.endswith(".js"):
            assert name.removesuffix(".js") + ".LICENSES.txt" in said["bundles"]


def test_every_package_is_pinned_with_its_hash(locked: dict[str, dict[str, str]]) -> None:
    assert not [name for name, entry in locked.items() if not re.match(r"sha512-", entry.get("integrity", ""))]
    assert not [name for name, entry in locked.items() if "resolved" in entry]  # no registry is named


def test_every_kind_of_trace_that_is_drawn_is_in_the_bundle() -> None:
    """Plotly draws an unknown kind as a scatter plot and says nothing."""
    import plotly.graph_objects as go

    traces = {name for name in dir(go) if name[0].isupper() and hasattr(getattr(go, name), "hoverinfo")}
    drawn = set()
    for folder in ("ui", "explorer"):
        for file in (ROOT / folder).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            drawn |= {name.lower() for name in re.findall(r"\bgo\.(\w+)\(", source) if name in traces}
            added = re.findall(r"\.add_(\w+)\(", source) if "plotly" in source else []
            drawn |= {name for name in added if name in {trace.lower() for trace in traces}}
    registered = set(re.findall(r'"plotly.js/lib/(\w+)"', (SOURCES / "plotly.js").read_text())) - {"core"}
    assert {"scatter", "bar"} <= drawn
    assert drawn <= registered


def test_bundles_are_of_the_versions_that_python_installs(locked: dict[str, dict[str, str]]) -> None:
    """The component's properties are declared in Python, and figures are written for one version of Plotly."""
    from plotly.offline import get_plotlyjs_version

    assert locked["dash-cytoscape"]["version"] == version("dash-cytoscape")
    assert locked["plotly.js"]["version"] == get_plotlyjs_version()
    assert tuple(map(int, locked["cytoscape"]["version"].split("."))) >= (3, 35, 0)


@pytest.mark.parametrize("bundle", ["cytoscape", "editor", "pdf", "plotly"])
def test_licences_are_beside(bundle: str) -> None:
    text = (VENDOR / f"{bundle}.LICENSES.txt").read_text()
    named = dict(re.findall(r"(?m)^(\S+) \d\S* \((.+)\)$", text))
    main = {"cytoscape": "dash-cytoscape", "editor": "codemirror", "pdf": "jspdf", "plotly": "plotly.js"}
    assert main[bundle] in named
    allowed = {"MIT", "ISC", "BSD-3-Clause", "Zlib", "(MIT AND Zlib)", "Bitstream-Vera"}
    assert set(named.values()) <= allowed  # nothing that would bind the whole


@pytest.mark.soak
def test_a_new_build_gives_the_same_bundles(said: dict[str, dict[str, str]], tmp_path: Path) -> None:
    """From the registry, byte for byte; esbuild's output depends on nothing but what the lock pins."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here")
    sources = tmp_path / "bundles"
    shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run([npm, "ci"], cwd=sources, check=True, capture_output=True)
    subprocess.run(["node", "build.mjs", str(tmp_path / "out")], cwd=sources, check=True, capture_output=True)
    assert {path.name: digest(path) for path in (tmp_path / "out").iterdir() if path.name in said["bundles"]} == said[
        "bundles"
    ]
