"""Do the tags of a dataset fit the outcomes of its models? A ranked list of texts and skills to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.diagnosis import MOST_SKILLS, diagnose
from analysis.graph import SkillTextGraph
from analysis.item_response import fit_item_response, skill_rates
from analysis.tag_residuals import LEAST_RESPONDENTS, failed_by_masters, residual_changes, split_tags
from analysis.tag_validation import variance_changes
from explorer.arrays import index_dataset
from explorer.errors import SkillgraphError
from explorer.options import TagMethod
from explorer.service.outcomes import Outcomes, models_with_outcomes, outcomes_of
from explorer.service.snapshot import read_dataset
from explorer.store.protocol import Store

__all__ = ["TagFinding", "TagMethod", "TagReport", "check_tags"]

TagFindingKind = Literal["add", "drop", "split", "failed"]

_MANY = 200  # models from which on the classes of mastered skills can be told apart text by text
_SHOWN = 5


@dataclass(frozen=True)
class TagFinding:
    """One tag, skill or text to look at.

    Attributes:
        rank: From 1, by p-value.
        kind: `add`: the text seems to require the skill; `drop`: the text does not seem to require it; `split`: the
            texts of the skill are of two kinds; `failed`: models with all skills of the text mostly fail it.
        text: Id of the text; None for `split`.
        skill: Id of the skill; None for `failed`.
        effect: `add`, `drop`: what the skill counts for in the text, 1 for a typical tag (method `residuals`), or
            the share of the variance between models that the text's tags account for after the change less before
            (`pvaf`); `split`: correlation over models between the two kinds of texts; `failed`: share of the
            models with all of its skills that solve it.
        error: Standard error of `effect`; None where there is none.
        p_value: Of the tag, the skill or the text being right.
        q_value: After Benjamini and Hochberg over all of the kind; None for `drop` by `pvaf`, which is not tested.
        models: Models behind it.
        texts: `split`: some texts of the first kind.
        others: `split`: some texts of the second kind.
    """

    rank: int
    kind: TagFindingKind
    text: str | None
    skill: str | None
    effect: float
    error: float | None
    p_value: float
    q_value: float | None
    models: int
    texts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class TagReport:
    """What the outcomes say about the tags.

    Attributes:
        dataset: Name of the dataset.
        method: `pvaf` (G-DINA discrimination index) or `residuals`: how tags to add and drop were found.
        models: Number of models with outcomes.
        texts: Texts with outcomes and tags.
        skills: Skills of these texts.
        tags: Tags of these texts.
        rate: False discoveries that are allowed for in each kind.
        split_tested: Skills with enough texts to be looked at for two kinds.
        failed_tested: Texts with a model that masters all of their skills.
        findings: By p-value.
    """

    dataset: str
    method: TagMethod
    models: int
    texts: int
    skills: int
    tags: int
    rate: float
    split_tested: int
    failed_tested: int
    findings: tuple[TagFinding, ...]

    def of(self, kind: TagFindingKind) -> tuple[TagFinding, ...]:
        """The findings of one kind."""
        return tuple(row for row in self.findings if row.kind == kind)


def check_tags(
    store: Store,
    dataset: str,
    *,
    parts: Sequence[str] = (),
    ignored_classes: Sequence[str] = (),
    pass_score: float | None = None,
    method: TagMethod = "auto",
    rate: float = 0.05,
    seed: int = 0,
) -> TagReport:
    """Compare the tags of texts with the outcomes of all models.

    Args:
        store: Where the dataset is.
        dataset: Name of the dataset.
        parts: Parts whose texts count; empty means all.
        ignored_classes: Classes of skills whose tags are taken as no tags.
        pass_score: Scores from this on count as solved, others as failed; by default a score is a share.
        method: How tags to add and to drop are found: `residuals` for any number of skills, `pvaf` for at most
            twelve; `auto` takes `pvaf` where there are 200 models too.
        rate: False discoveries that are allowed for in each kind of finding.
        seed: Seed of permutations.

    Returns:
        The ranked list.

    Raises:
        NotFoundError: No such dataset, part or class.
        SkillgraphError: Outcomes of fewer than ten models or that are all alike, too many skills for the method, or an
            unknown option.
    """
    if method not in ("auto", "pvaf", "residuals"):
        raise SkillgraphError(f"method {method!r} is not one of auto, pvaf, residuals")
    if not 0.0 < rate < 1.0:
        raise SkillgraphError(f"the share of false discoveries must be between 0 and 1, not {rate}")
    source = read_dataset(store, dataset)
    outcomes = outcomes_of(
        index_dataset(source, parts=parts),
        models_with_outcomes(source.attempts),
        pass_score=pass_score,
        ignored_classes=ignored_classes,
    )
    outcomes = outcomes.rows([m for k, m in enumerate(outcomes.models) if outcomes.used(k).any()])
    if len(outcomes.models) < LEAST_RESPONDENTS:
        raise SkillgraphError(
            f"tags are compared with the outcomes of at least {LEAST_RESPONDENTS} models, and here are outcomes of "
            f"{len(outcomes.models)}: append those of more models"
        )
    graph, scores = outcomes.graph, outcomes.scores
    given = scores[~np.isnan(scores)]
    if np.ptp(given) == 0.0:
        raise SkillgraphError(
            f"every outcome is {given[0]:g}: outcomes that are all alike cannot contradict a tag; append the outcomes "
            "of other models or texts"
        )
    used = int((np.bincount(graph.text_skills, minlength=graph.n_skills) > 0).sum())
    if method == "auto":
        method = "pvaf" if used <= MOST_SKILLS and len(outcomes.models) >= _MANY else "residuals"
    plain = fit_item_response(graph, scores, model="rasch")
    mastery = skill_rates(graph, scores, fit_item_response(graph, scores)).mastery()
    failed = failed_by_masters(graph, scores, mastery, rate=rate)
    splits = split_tags(graph, scores, plain, rate=rate, rng=np.random.default_rng(seed))
    answered = (~np.isnan(scores)).sum(axis=0)
    texts, skills = outcomes.indexed.text_ids.to_pylist(), outcomes.indexed.skills.ids.to_pylist()
    found: list[TagFinding] = []
    if method == "pvaf":
        found += _by_variance(outcomes, rate, texts, skills, answered)
    else:
        changes = residual_changes(graph, scores, plain, rate=rate)
        for i in range(len(changes)):
            t = int(changes.text[i])
            found.append(
                TagFinding(
                    0, "add" if changes.added[i] else "drop", texts[t], skills[int(changes.skill[i])],
                    float(changes.slope[i]), float(changes.error[i]), float(changes.p_value[i]),
                    float(changes.q_value[i]), int(answered[t]),
                )
            )  # fmt: skip
    for i, (first, second) in enumerate(splits.sides):
        found.append(
            TagFinding(
                0, "split", None, skills[int(splits.skill[i])], float(splits.agreement[i]), None,
                float(splits.p_value[i]), float(splits.q_value[i]), len(outcomes.models),
                tuple(texts[t] for t in first[:_SHOWN].tolist()), tuple(texts[t] for t in second[:_SHOWN].tolist()),
            )
        )  # fmt: skip
    for i, t in enumerate(failed.text.tolist()):
        n = int(failed.masters[i])
        share = float(failed.solved[i]) / n
        found.append(
            TagFinding(
                0, "failed", texts[t], None, share, float(np.sqrt(share * (1.0 - share) / n)),
                float(failed.p_value[i]), float(failed.q_value[i]), n,
            )
        )  # fmt: skip
    # A tag that is dropped without a test comes after all that were tested.
    found.sort(key=lambda row: (row.q_value is None, row.p_value if row.q_value is not None else -row.effect))
    tagged = (answered > 0) & (graph.text_degrees > 0)
    return TagReport(
        dataset=dataset,
        method=method,
        models=len(outcomes.models),
        texts=int(tagged.sum()),
        skills=_skills_of(graph, tagged),
        tags=int(graph.text_degrees[tagged].sum()),
        rate=rate,
        split_tested=splits.tested,
        failed_tested=failed.tested,
        findings=tuple(replace(row, rank=rank) for rank, row in enumerate(found, 1)),
    )


def _by_variance(
    outcomes: Outcomes, rate: float, texts: list[str], skills: list[str], answered: NDArray[np.int64]
) -> list[TagFinding]:
    fit = diagnose(outcomes.graph, outcomes.scores, structure="gdina")
    changes = variance_changes(outcomes.graph, outcomes.scores, fit, rate=rate)
    return [
        TagFinding(
            0, "add" if changes.added[i] else "drop", texts[int(changes.text[i])], skills[int(changes.skill[i])],
            float(changes.after[i] - changes.before[i]), None, float(changes.p_value[i]),
            float(changes.q_value[i]) if changes.added[i] else None, int(answered[int(changes.text[i])]),
        )
        for i in range(len(changes))
    ]  # fmt: skip


def _skills_of(graph: SkillTextGraph, tagged: NDArray[np.bool_]) -> int:
    return len(np.unique(graph.text_skills[np.repeat(tagged, graph.text_degrees)]))
