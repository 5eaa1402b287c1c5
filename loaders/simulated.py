"""Simulated data with outcomes: texts, skills, base models and their fine-tunes, all drawn from one seed.

What every model masters is drawn first and kept as a property of the skills, so what the estimates say can be checked.
The rules are described in docs/simulated.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loaders._files import Progress
from loaders._registry import Format, register
from loaders.dataset import Dataset, build_dataset
from loaders.errors import DataError

__all__ = ["NAME", "PARTS", "SimulatedModel", "read_simulated", "simulate_dataset"]

NAME = "simulated"
"""What is loaded under this name where there is no file of this name."""
PARTS = ("general", "domain")
"""Parts of the texts: for a foundation layer, and to fine-tune it."""

_BASIC = ("numbers", "fractions", "algebra", "geometry", "data", "logic")
_DOMAIN = ("finance", "physics", "statistics")
_BASIC_SHARE = 2 / 3
_FURTHER = 2.0  # mean number of skills of a text beyond its first
_DOMAIN_MIX = 0.5  # share of domain skills in a domain text
_SPREAD = 0.7  # exponent of how unequally skills are used


@dataclass(frozen=True)
class SimulatedModel:
    """A model of the simulation.

    Attributes:
        id: Its name.
        base: The model it was fine-tuned from; None for a base.
        basic: Of a base: share of basic skills that it masters. Of a fine-tune: share of its base's skills that it
            forgets.
        domain: Share of domain skills that it masters, or that it gains.
    """

    id: str
    base: str | None
    basic: float
    domain: float


MODELS = (
    SimulatedModel("small", None, 0.75, 0.2),
    SimulatedModel("small-tuned", "small", 0.04, 0.7),
    SimulatedModel("small-forgetful", "small", 0.3, 0.7),
    SimulatedModel("large", None, 0.88, 0.35),
    SimulatedModel("large-tuned", "large", 0.02, 0.75),
    SimulatedModel("large-forgetful", "large", 0.2, 0.75),
)


def simulate_dataset(
    *, name: str, seed: int = 0, texts: int = 600, skills: int = 180, slip: float = 0.06, guess: float = 0.08
) -> Dataset:
    """Draw a dataset with outcomes.

    A text of the part `general` requires 1 + Poisson(2) basic skills, one of `domain` as many of which half are domain
    skills; of the skill of rank k a text requires in proportion to k^-0.7. A base masters basic and domain skills each
    with its own probability; a fine-tune keeps its base's skills but for a share that it forgets, and gains a share of
    the domain skills. A model solves a text with probability 1 - `slip` if it masters all of its skills, else with
    probability `guess` ([JunkerSijtsma2001], DINA).

    Args:
        name: Name of the dataset.
        seed: Of everything.
        texts: Number of texts; a third are of the part `domain`.
        skills: Number of skills; two thirds are basic.
        slip: Probability to fail a text all of whose skills are mastered.
        guess: Probability to solve another one.

    Returns:
        The dataset. Skills have `level` 1 (basic) or 2 (domain), and for every model whether it masters them, as
        `mastered_by_small_tuned`; models have `slip` and `guess`.

    Raises:
        DataError: Fewer than 3 texts or 9 skills, or a probability outside 0-0.5.

    >>> dataset = simulate_dataset(name="simulated", seed=1, texts=30, skills=12)
    >>> dataset.n_texts, dataset.n_skills, dataset.models.num_rows, dataset.attempts.num_rows
    (30, 12, 6, 180)
    >>> dataset.parts
    ('domain', 'general')
    """
    for option, number, least in (("texts", texts, 3), ("skills", skills, 9), ("seed", seed, 0)):
        if number < least:
            raise DataError(f"{option} {number} must be at least {least}")
    for option, chance in (("slip", slip), ("guess", guess)):
        if not 0.0 <= chance <= 0.5:
            raise DataError(f"{option} {chance:g} must be a probability from 0 to 0.5")
    rng = np.random.default_rng(seed)
    n_basic = round(skills * _BASIC_SHARE)
    areas = [_BASIC[k % len(_BASIC)] for k in range(n_basic)]
    areas += [_DOMAIN[k % len(_DOMAIN)] for k in range(skills - n_basic)]
    skill_ids = _numbered(areas)
    required, parts = _requirements(rng, texts, n_basic, skills)
    text_ids = [f"task-{k + 1:0{len(str(texts))}d}" for k in range(texts)]
    text_of, skill_of = np.nonzero(required)
    first = required.argmax(axis=1)
    mastered: dict[str, NDArray[np.bool_]] = {}
    for model in MODELS:
        shares = np.where(np.arange(skills) < n_basic, model.basic, model.domain)
        if model.base is None:
            mastered[model.id] = rng.random(skills) < shares
        else:
            mastered[model.id] = _fine_tuned(rng, mastered[model.base], model, n_basic)
    solved = {
        model: rng.random(texts) < np.where((required & ~known).any(axis=1), guess, 1.0 - slip)
        for model, known in mastered.items()
    }
    levels = pa.array(np.where(np.arange(skills) < n_basic, 1, 2), pa.int64())
    properties = {f"mastered_by_{model.replace('-', '_')}": pa.array(known) for model, known in mastered.items()}
    n_models = len(MODELS)
    return build_dataset(
        name,
        texts=pa.table(
            {
                "id": text_ids,
                "title": [f"Task {k + 1}: {areas[first[k]]}" for k in range(texts)],
                "class": [areas[first[k]] for k in range(texts)],
                "part": parts,
            }
        ),
        skills=pa.table(
            {
                "id": skill_ids,
                "name": [identifier.replace("-", " ") for identifier in skill_ids],
                "class": areas,
                "level": levels,
                **properties,
            }
        ),
        requirements=pa.table(
            {"text": [text_ids[t] for t in text_of.tolist()], "skill": [skill_ids[s] for s in skill_of.tolist()]}
        ),
        models=pa.table(
            {
                "id": [model.id for model in MODELS],
                "role": ["base" if model.base is None else "fine-tuned" for model in MODELS],
                "base": pa.array([model.base for model in MODELS], pa.string()),
                "slip": [slip] * n_models,
                "guess": [guess] * n_models,
            }
        ),
        attempts=pa.table(
            {
                "model": [model.id for model in MODELS for _ in text_ids],
                "text": text_ids * n_models,
                "score": np.concatenate([solved[model.id] for model in MODELS]).astype(float),
            }
        ),
        provenance={
            "source": NAME,
            "loader": NAME,
            "option.seed": seed,
            "option.texts": texts,
            "option.skills": skills,
            "option.slip": slip,
            "option.guess": guess,
        },
    )


def _numbered(areas: list[str]) -> list[str]:
    """`algebra-01`, `algebra-02`, … in each area."""
    count: dict[str, int] = {}
    digits = max(2, len(str(max(map(areas.count, set(areas))))))
    found = []
    for area in areas:
        count[area] = count.get(area, 0) + 1
        found.append(f"{area}-{count[area]:0{digits}d}")
    return found


def _requirements(
    rng: np.random.Generator, texts: int, n_basic: int, skills: int
) -> tuple[NDArray[np.bool_], list[str]]:
    """Which text requires which skill, bool (T, S), and the part of each text."""
    weight = np.concatenate([_popularity(n_basic), _popularity(skills - n_basic)])
    required = np.zeros((texts, skills), dtype=bool)
    n_domain = texts // 3
    parts = [PARTS[0]] * (texts - n_domain) + [PARTS[1]] * n_domain
    for text, part in enumerate(parts):
        share = _DOMAIN_MIX if part == PARTS[1] else 0.0
        chance = np.where(np.arange(skills) < n_basic, 1.0 - share, share) * weight
        size = min(1 + int(rng.poisson(_FURTHER)), int(np.count_nonzero(chance)))
        required[text, rng.choice(skills, size, replace=False, p=chance / chance.sum())] = True
    return required, parts


def _popularity(count: int) -> NDArray[np.float64]:
    falling = np.power(np.arange(1.0, count + 1.0), -_SPREAD)
    return np.asarray(falling / falling.sum(), np.float64)


def _fine_tuned(
    rng: np.random.Generator, base: NDArray[np.bool_], model: SimulatedModel, n_basic: int
) -> NDArray[np.bool_]:
    """What a fine-tune masters: its base's skills but for what it forgets, and what it gains of the domain."""
    domain = np.arange(len(base)) >= n_basic
    forgotten = rng.random(len(base)) < model.basic
    gained = domain & (rng.random(len(base)) < model.domain)
    return (base & ~forgotten) | gained


def read_simulated(
    path: str | Path,
    *,
    name: str,
    part: str | None = None,
    progress: Progress | None = None,
    **options: str,
) -> Dataset:
    """Simulated data as a format of `load`: see `simulate_dataset`.

    Args:
        path: `simulated`.
        name: Name of the dataset.
        part: Not another one than the texts have: `general` and `domain`.
        progress: Not called.
        options: Those of `simulate_dataset`, as text.

    Raises:
        DataError: An option is no number, or what `simulate_dataset` raises; or a part is named.
    """
    if part not in (None, NAME):
        raise DataError(f"part {part!r}: simulated texts have the parts general and domain; leave out the part")
    counts = {key: _whole(options[key], key) for key in ("seed", "texts", "skills") if key in options}
    chances = {key: _fraction(options[key], key) for key in ("slip", "guess") if key in options}
    return simulate_dataset(name=name, **counts, **chances)  # type: ignore[arg-type]


def _whole(value: str, option: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise DataError(f"{option} {value!r} must be an integer") from None


def _fraction(value: str, option: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise DataError(f"{option} {value!r} must be a number") from None


OPTIONS: Mapping[str, str] = {
    "seed": "seed of all draws (0)",
    "texts": "number of texts (600)",
    "skills": "number of skills (180)",
    "slip": "probability to fail a text all of whose skills are mastered (0.06)",
    "guess": "probability to solve a text with a skill that is not (0.08)",
}

register(
    Format(
        NAME,
        "no file: texts, skills, models, fine-tunes and outcomes drawn from a seed",
        read_simulated,
        OPTIONS,
        companions=False,
        whole=True,
    )
)
