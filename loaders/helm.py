"""HELM's `per_instance_stats.json`: the metrics of a run for each of its instances."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._evaluation import Items
from loaders._files import Progress
from loaders._json_tables import parse_json
from loaders._reading import quoted
from loaders._registry import Claim, Format, register
from loaders._scores import ATTEMPTS
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import files_below, read_regular
from loaders.gate import parse_json as parse_json_text

__all__ = ["OPTIONS", "read_helm"]

OPTIONS: Mapping[str, str] = {
    "model": "name of the model; otherwise that of the run",
    "metric": "name of the score; otherwise exact_match or a similar one",
    "attempts": ATTEMPTS,
}
_FILE = "per_instance_stats.json"
_METRICS = (
    "exact_match",
    "quasi_exact_match",
    "prefix_exact_match",
    "quasi_prefix_exact_match",
    "final_number_exact_match",
    "math_equiv",
    "math_equiv_chain_of_thought",
    "chain_of_thought_correctness",
    "test_avg",
    "pass",
    "ifeval_strict_accuracy",
    "f1_score",
    "rouge_l",
)


def read_helm(
    path: Path,
    builder: Builder,
    *,
    model: str | None = None,
    metric: str | None = None,
    attempts: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the instances of runs as texts, and the scores of the models as outcomes.

    A run's folder is called `scenario:arguments,model=org_name`; the scenario with its arguments is the one skill of
    its instances, and the id of a text is `<scenario>/<instance_id>`. The model's full name is read from
    `run_spec.json`, if that lies beside. Perturbed instances are left out; several trials become their mean.

    Args:
        path: A `per_instance_stats.json`, or a folder with runs.
        builder: Takes texts, skills, models and attempts.
        model: See `OPTIONS`, likewise the others.
        metric: See `OPTIONS`.
        attempts: See `OPTIONS`.
        progress: Called with files read and all files.

    Raises:
        DataError: No such file, or no instance with the metric.
    """
    files = files_below(path, _FILE) if path.is_dir() else [path]
    if not files:
        raise DataError(f"has no {_FILE} of HELM", path=path)
    items = Items(builder, attempts)
    for number, file in enumerate(files, 1):
        _read_run(file, items, model, metric)
        if progress is not None:
            progress(number, len(files))
    items.finish(path)


def _read_run(file: Path, items: Items, model: str | None, metric: str | None) -> None:
    content = parse_json(file)
    if not _is_helm(content):
        raise DataError("is not a list of instances with stats, as HELM writes it", path=file)
    scenario, name = _run(file)
    instances = [instance for instance in content if not instance.get("perturbation")]
    found = [(instance, _means(instance)) for instance in instances]
    names = {key: None for _, means in found for key in means}
    chosen = metric or next((known for known in _METRICS if known in names), None)
    if chosen is None or chosen not in names:
        missing = repr(chosen) if chosen else "that measures correctness"
        raise DataError(
            f"is from HELM and has no metric {missing}; choose one of {quoted(list(names), 12)} with metric", path=file
        )
    items.builder.problems.decide(file, "metric", chosen, f"{len(names)} statistics are present", option="metric")
    for instance, means in found:
        score = means.get(chosen)
        if score is None:
            continue
        if not 0 <= score <= 1:
            items.builder.problems.report(
                "no score",
                f"metric {chosen!r} of instance {instance['instance_id']!r} is {score:g}, not from 0 to 1",
                file,
            )
            continue
        items.add(model or name, scenario, str(instance["instance_id"]), score, None, file)


def _means(instance: Mapping[str, Any]) -> dict[str, float]:
    """Mean of each statistic, those of the test split before others."""
    found: dict[str, float] = {}
    for stat in instance.get("stats") or []:
        name = stat.get("name") if isinstance(stat, Mapping) else None
        if not isinstance(name, Mapping) or name.get("perturbation"):
            continue
        mean = stat.get("mean")
        if mean is None and stat.get("count"):
            mean = stat.get("sum", 0.0) / stat["count"]
        if isinstance(mean, int | float) and (str(name.get("name")) not in found or name.get("split") == "test"):
            found[str(name.get("name"))] = float(mean)
    return found


def _run(file: Path) -> tuple[str, str]:
    """Scenario and model of a run, by its folder and the description beside it."""
    folder = file.resolve().parent.name
    match = re.search(r"(?:^|[,:])model=([^,]+)", folder)
    scenario = re.sub(r"(^|[,:])(model|model_deployment)=[^,]+", "", folder).strip(",:") or folder
    model = match[1] if match else file.resolve().parent.name
    described = file.parent / "run_spec.json"
    if described.is_file():
        try:
            model = str(parse_json_text(read_regular(described))["adapter_spec"]["model"])
        except (ValueError, KeyError, TypeError, OSError):
            return scenario, model
    return scenario, model


def _is_helm(content: Any) -> bool:
    return (
        isinstance(content, list)
        and bool(content)
        and all(
            isinstance(row, dict) and "instance_id" in row and isinstance(row.get("stats"), list) for row in content
        )
    )


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        return Claim(93, _FILE) if any(Path(name).name == _FILE for name in source.files) else None
    return Claim(93, "instances with stats") if source.suffix == ".json" and _is_helm(source.json) else None


register(Format("helm", "per_instance_stats.json of HELM, or a folder of runs", read_helm, OPTIONS, claims=_claims))
