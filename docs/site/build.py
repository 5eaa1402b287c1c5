"""Build the site: gather the pages, write the reference from the program, then run Sphinx, all of it offline."""

from __future__ import annotations

import html
import importlib
import inspect
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

__all__ = ["api_page", "command_page", "gather", "notebook_page"]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SITE = DOCS / "site"


def gather(target: Path) -> None:
    """Write all pages and images into a folder that Sphinx can read."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "_static").mkdir(parents=True)
    for page in sorted(DOCS.glob("*.md")):
        (target / page.name).write_text(_relinked(page.read_text("utf-8")), "utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (target / "changelog.md").write_text(_relinked(changelog.replace("](docs/", "](")), "utf-8")
    for name in ("index.md", "conf.py"):
        shutil.copy(SITE / name, target)
    shutil.copytree(DOCS / "images", target / "images")
    for file in DOCS.glob("*.grass"):
        shutil.copy(file, target)
    (target / "commands.md").write_text(command_page(), "utf-8")
    (target / "api.md").write_text(api_page(), "utf-8")
    for notebook in sorted((DOCS / "notebooks").glob("*.ipynb")):
        (target / f"notebook-{notebook.stem}.md").write_text(notebook_page(notebook), "utf-8")
    import plotly

    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    shutil.copy(script, target / "_static")


def _relinked(text: str) -> str:
    """Links as they are on the site, where all pages are in one folder."""
    text = text.replace("](../CHANGELOG.md", "](changelog.md").replace("](../README.md", "](index.md")
    return re.sub(r"\]\(notebooks/([\w-]+)\.ipynb", r"](notebook-\1.md", text)


# The command line ---------------------------------------------------------------------------------------------


def command_page() -> str:
    """Every command with its arguments, options and examples, from the command line itself."""
    import typer.main

    from explorer.cli.app import app

    parts = [
        "# Commands",
        "",
        "Written from the program. All commands also take `--store`, `--json`, `--quiet`, `--verbose` and `--help`.",
        "",
    ]
    for name, command in _commands(typer.main.get_command(app), "skillgraph"):
        parts += _described(name, command)
    return "\n".join(parts)


_SHARED = {"--store", "--json", "--quiet", "--verbose", "--help"}


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "list_commands"):
        for word in command.list_commands(None):
            inner = command.get_command(None, word)
            if inner is not None and not inner.hidden:
                yield from _commands(inner, f"{name} {word}")
    else:
        yield name, command


def _described(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    text = inspect.cleandoc(command.help or "").replace("\\[", "[").replace("\b", "")
    before, *examples = re.split(r"^Example: ", text, flags=re.MULTILINE)
    yield before.strip()
    yield ""
    if examples:
        yield "```console"
        for example in examples:
            yield f"$ {' '.join(example.split())}"
        yield "```"
        yield ""
    rows = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            shown = f"`{parameter.make_metavar(_context(command))}`"
            rows.append((shown, _cell(getattr(parameter, "help", ""))))
        elif not parameter.hidden and not _SHARED & set(parameter.opts):
            shown = ", ".join(f"`{word}`" for word in (*parameter.opts, *parameter.secondary_opts))
            rows.append((shown, _cell(parameter.help)))
    if rows:
        yield "| argument or option | meaning |"
        yield "| --- | --- |"
        yield from (f"| {shown} | {meaning} |" for shown, meaning in rows)
        yield ""


def _context(command: Any) -> Any:
    import click

    return click.Context(command)


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


# Python -------------------------------------------------------------------------------------------------------


def api_page() -> str:
    """Every public name of `import explorer`, from its docstrings."""
    import explorer

    parts = ["# Python reference", "", "Written from the docstrings; [python.md](python.md) says how to use it.", ""]
    for name in explorer.__all__:
        if name == "__version__":
            continue
        value = getattr(explorer, name)
        kind = "autoclass" if inspect.isclass(value) else "autofunction"
        place = f"{value.__module__}.{value.__qualname__}"
        parts += [f"## {name}", "", "```{eval-rst}", f".. {kind}:: {place}"]
        if inspect.isclass(value):
            parts += ["   :members:", "   :inherited-members:"]
        parts += ["```", ""]
        for base in value.__mro__[1:-1] if inspect.isclass(value) else ():
            if is_dataclass(base):  # the report that a result is: its figures
                shown = f"{base.__module__}.{base.__qualname__}"
                parts += [f"The figures of `{name}`:", "", "```{eval-rst}", f".. autoclass:: {shown}"]
                parts += ["   :no-index:", "```", ""]
    return "\n".join(parts)


# Notebooks ----------------------------------------------------------------------------------------------------


def notebook_page(path: Path) -> str:
    """An executed notebook as a page; figures are drawn by the site's own copy of Plotly."""
    book = json.loads(path.read_text("utf-8"))
    parts: list[str] = []
    figures = 0
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts += [_relinked(source.replace("](../", "](")), ""]
            continue
        parts += ["```python", source, "```", ""]
        for output in cell["outputs"]:
            shown, drawn = _output(output, figures)
            figures += drawn
            parts += [shown, ""]
    if figures:
        parts.insert(2, '```{raw} html\n<script src="_static/plotly.min.js"></script>\n```\n')
    return "\n".join(parts)


def _output(output: dict[str, Any], number: int) -> tuple[str, int]:
    data = output.get("data", {})
    figure = data.get("application/vnd.plotly.v1+json")
    if figure is not None:
        name = f"figure-{number}"
        drawn = json.dumps({"data": figure["data"], "layout": figure["layout"]}).replace("</", "<\\/")
        script = f"const drawn = {drawn}; Plotly.newPlot('{name}', drawn.data, drawn.layout, {{responsive: true}});"
        page = f'<div id="{name}" style="height: 360px"></div>\n<script>(() => {{ {script} }})();</script>'
        return f"```{{raw}} html\n{page}\n```", 1
    if "text/html" in data:
        return f"```{{raw}} html\n{''.join(data['text/html'])}\n```", 0
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```{{raw}} html\n<pre>{html.escape(text)}</pre>\n```", 0


def main(arguments: list[str]) -> int:
    """Gather and build; warnings, such as a link that leads nowhere, are errors."""
    sys.path.insert(0, str(ROOT))
    *options, target = arguments or [str(ROOT / "build" / "site")]
    source = ROOT / "build" / "site-source"
    gather(source)
    sphinx = importlib.import_module("sphinx.cmd.build")
    return int(sphinx.main(["-q", "-W", "--keep-going", "-E", *options, str(source), target]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
