"""The real families beside the checkout: CRUXEval with 11 fine-tuned models, DS-1000 with 25 of one base."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from loaders.dataset import Dataset, build_dataset

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def require(*names: str) -> Path:
    for name in names:
        if not (SHARED / name).is_file():
            pytest.skip(f"real data not present beside the checkout: {SHARED / name}")
    return SHARED


def read(path: Path) -> pa.Table:
    return csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))


def long_outcomes(wide: pa.Table) -> pa.Table:
    """`model, text, score` from one column a model; blanks are not attempted."""
    parts = [
        pa.table(
            {
                "model": pa.array([model] * wide.num_rows, pa.string()),
                "text": wide["text_id"],
                "score": wide[model].cast(pa.float64()),
            }
        )
        for model in wide.column_names
        if model != "text_id"
    ]
    table = pa.concat_tables(parts)
    return table.filter(pc.is_valid(table["score"]))


def cruxeval() -> Dataset:
    folder = require("cruxeval/outcomes_wide.csv", "cruxeval/models.csv") / "cruxeval"
    texts, models = read(folder / "texts.csv"), read(folder / "models.csv")
    skills, edges = read(folder / "skills.csv"), read(folder / "edges.csv")
    return build_dataset(
        "cruxeval",
        texts=pa.table({"id": texts["text_id"], "class": texts["task"]}),
        skills=pa.table({"id": skills["skill"], "class": skills["skill_class"]}),
        requirements=pa.table({"text": edges["text_id"], "skill": edges["skill"]}),
        models=pa.table({"id": models["model"], "role": models["role"], "base": models["foundation"]}),
        attempts=long_outcomes(read(folder / "outcomes_wide.csv")),
    )


def ds1000() -> Dataset:
    folder = require("evaltree/ds1000_outcomes_wide.csv", "evaltree/ds1000_edges.csv") / "evaltree"
    texts, skills = read(folder / "ds1000_texts.csv"), read(folder / "ds1000_skills.csv")
    edges = read(folder / "ds1000_edges.csv")
    assigned = pc.equal(edges["assigned"].cast(pa.string()), "true")
    edges = edges.filter(assigned)
    outcomes = long_outcomes(read(folder / "ds1000_outcomes_wide.csv"))
    models = sorted(pc.unique(outcomes["model"]).to_pylist())
    base = "deepseek-coder-6.7b-base"
    return build_dataset(
        "ds1000",
        texts=pa.table({"id": texts["text_id"], "class": texts["library"]}),
        skills=pa.table({"id": skills["skill"], "name": skills["description"]}),
        requirements=pa.table({"text": edges["text_id"], "skill": edges["skill"]}),
        models=pa.table(
            {"id": models, "base": pa.array([base if m.startswith(f"{base}+") else None for m in models], pa.string())}
        ),
        attempts=outcomes,
    )
