"""Commands that give skills to texts that have none: `annotate`, and `agreement` of two annotators."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset, write_text
from explorer.cli.output import Block, Note, Result, Rows, Table, number, rows_of, share
from explorer.errors import SkillgraphError
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.annotation.asking import Answers, Estimate
    from explorer.annotation.endpoint import Endpoint
    from explorer.annotation.files import SourceText, VocabularySkill
    from explorer.annotation.quality import Coverage
    from loaders.annotations import Tag

__all__ = ["agreement", "annotate"]


@command(store="read")
def annotate(
    run: Run,
    texts: Annotated[Path, typer.Argument(help="Texts: JSON Lines, CSV or Parquet with a column of ids.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File of tags to write, .csv or .jsonl, for review and `load`.")
    ] = Path("tags.csv"),
    vocabulary: Annotated[
        Path | None, typer.Option("--vocabulary", help="Skills to choose from: a table with ids and names, or .txt.")
    ] = None,
    dataset: DatasetOption = None,
    open_vocabulary: Annotated[
        bool, typer.Option("--open", help="With --endpoint: let the model name the skills.")
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Tag by sentence embeddings on this machine: letters (spelling only), onnx:FOLDER, "
            "sentence-transformers:NAME or python:MODULE:FUNCTION.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0.0, max=1.0, help="With --encoder: least cosine.", show_default="0.4"),
    ] = None,
    reviewed: Annotated[
        Path | None,
        typer.Option("--reviewed", help="With --encoder: set the threshold by this file of tags, reviewed."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            help="Tag by a language model: address of an OpenAI-compatible endpoint, up to /v1. Texts are sent there. "
            "Its key is taken from SKILLGRAPH_ENDPOINT_KEY.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="With --endpoint: name of the model.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Most tags of a text.")] = 5,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --endpoint: say what it would take, and send nothing.")
    ] = False,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Most requests at a time.")] = 4,
    tries: Annotated[int, typer.Option("--tries", min=1, help="How often a request is sent at most.")] = 5,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds to wait for an answer.")] = 60.0,
    max_output: Annotated[int, typer.Option("--max-output", min=1, help="Most tokens of an answer.")] = 1000,
    price_in: Annotated[
        float | None, typer.Option("--price-in", min=0.0, help="Price of a million tokens sent, for the cost.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option("--price-out", min=0.0, help="Price of a million tokens received.")
    ] = None,
    merges: Annotated[
        Path | None,
        typer.Option("--merges", help="With --open: merge the skills that this file, reviewed, says yes to."),
    ] = None,
    text_column: Annotated[str | None, typer.Option("--text-column", help="Column with the words.")] = None,
    id_column: Annotated[str | None, typer.Option("--id-column", help="Column with the ids.")] = None,
) -> Result:
    """Give texts skills: by sentence embeddings on this machine, or by a language model behind an endpoint.

    Writes a file of tags with score, evidence and who said so; write yes or no into its column keep and load it.
    No text leaves this machine unless --endpoint is given.

    Example: skillgraph annotate texts.jsonl --vocabulary skills.csv --encoder letters

    Example: skillgraph annotate texts.jsonl --vocabulary skills.csv --endpoint http://127.0.0.1:8080/v1 --model m
    --dry-run
    """
    from explorer.annotation import files

    if (encoder is None) == (endpoint is None):
        raise SkillgraphError("say how to tag: --encoder for sentence embeddings on this machine, or --endpoint")
    if open_vocabulary and (vocabulary is not None or dataset is not None or endpoint is None):
        raise SkillgraphError("--open goes with --endpoint, and without --vocabulary and --dataset")
    if merges is not None and not open_vocabulary:
        raise SkillgraphError("--merges goes with --open")
    if endpoint is None and (model is not None or dry_run):
        raise SkillgraphError("--model and --dry-run go with --endpoint")
    if encoder is None and (threshold is not None or reviewed is not None):
        raise SkillgraphError("--threshold and --reviewed go with --encoder")
    if threshold is not None and reviewed is not None:
        raise SkillgraphError("give --threshold, or --reviewed to find it: not both")
    if output.resolve() == texts.resolve():
        raise SkillgraphError(f"{output} is the file of texts: name another --output")
    found = files.read_texts(texts, text_column=text_column, id_column=id_column)
    skills = None if open_vocabulary else _vocabulary(run, vocabulary, dataset)
    if encoder is not None:
        assert skills is not None, "an encoder has a vocabulary"
        return _matched(run, found, skills, encoder, threshold, reviewed, top, output)

    from explorer.annotation.asking import Prices, estimate
    from explorer.annotation.endpoint import KEY_VARIABLE, Endpoint, checked_endpoint
    from explorer.annotation.prompting import Question
    from explorer.folders import cache_folder

    if not model:
        raise SkillgraphError("name the model with --model")
    place = checked_endpoint(
        Endpoint(endpoint or "", model, os.environ.get(KEY_VARIABLE) or None, timeout, tries, max_output)
    )
    question = Question(skills, top)
    asked = _Asked(place, question, cache_folder() / "annotations", Prices(price_in, price_out), concurrency)
    before = estimate(found, question, place, asked.cache, top=top, prices=asked.prices)
    if dry_run:
        return Result({"endpoint": place.url, "model": model, "estimate": before}, [_before(before, place, sent=False)])
    return _answered(run, found, asked, before, merges, output)


@dataclass(frozen=True)
class _Asked:
    """How a model is asked."""

    endpoint: Endpoint
    question: Any
    cache: Path
    prices: Any
    concurrency: int


def _vocabulary(run: Run, file: Path | None, dataset: str | None) -> list[VocabularySkill]:
    from explorer.annotation.files import read_vocabulary, skills_of

    if file is not None:
        if dataset is not None:
            raise SkillgraphError("give --vocabulary or --dataset, not both")
        return read_vocabulary(file)
    with run.opened() as store:
        return skills_of(store, single_dataset(store, dataset))


def _matched(
    run: Run,
    texts: list[SourceText],
    skills: list[VocabularySkill],
    wanted: str,
    threshold: float | None,
    reviewed: Path | None,
    top: int,
    output: Path,
) -> Result:
    from explorer.annotation.encoders import open_encoder
    from explorer.annotation.matching import THRESHOLD, calibrate, match
    from explorer.annotation.quality import coverage
    from loaders.annotations import read_tags

    encoder = open_encoder(wanted)
    calibrated = None if reviewed is None else calibrate(read_tags(reviewed), encoder.name)
    least = calibrated.score if calibrated else THRESHOLD if threshold is None else threshold
    with run.progress("Tagging") as progress:
        tags = match(texts, skills, encoder, threshold=least, top=top, progress=progress)
    _write(output, texts, tags)
    found = coverage(tags, len(texts))

    def shown() -> Iterator[Block]:
        if calibrated is not None:
            yield (
                f"Threshold {least:.3f}, from {plural(calibrated.right + calibrated.wrong, 'reviewed tag')}: precision "
                f"{share(calibrated.precision)}, recall {share(calibrated.recall)} among these."
            )
        elif threshold is None:
            yield Note(f"The threshold {least:g} is not calibrated: review {output}, and give it as --reviewed.")
        yield _covered(found, output)

    return Result(
        {
            "encoder": encoder.name,
            "threshold": least,
            "calibration": calibrated,
            "coverage": found,
            "output": str(output),
        },
        shown(),
    )


def _answered(
    run: Run, texts: list[SourceText], asked: _Asked, before: Estimate, merges: Path | None, output: Path
) -> Result:
    from explorer.annotation.asking import ask_model
    from explorer.annotation.merging import merge_tags, read_merges
    from explorer.annotation.quality import coverage

    confirmed = {} if merges is None else read_merges(merges)
    if before.requests:
        # Where texts go is said before they go, also to those who want no remarks.
        typer.echo(_before(before, asked.endpoint, sent=True), err=True)
    with run.progress("Asking") as progress:
        answers = ask_model(
            texts,
            asked.question,
            asked.endpoint,
            asked.cache,
            concurrency=asked.concurrency,
            prices=asked.prices,
            progress=progress,
        )
    tags = merge_tags(answers.tags, confirmed)
    _write(output, [text for text in texts if text.id not in answers.failed], tags)
    proposals = None
    if asked.question.method.startswith("open") and merges is None:
        proposals = _proposed(tags, output)
    found = coverage(tags, len(texts) - len(answers.failed))
    value = {
        "endpoint": asked.endpoint.url,
        "model": asked.endpoint.model,
        "method": asked.question.method,
        "estimate": before,
        "asked": answers.asked,
        "cached": answers.cached,
        "failed": answers.failed,
        "unsupported": answers.unsupported,
        "tokens_in": answers.tokens_in,
        "tokens_out": answers.tokens_out,
        "cost": answers.cost,
        "coverage": found,
        "output": str(output),
        "merges": None if proposals is None else str(proposals[0]),
    }
    return Result(value, _told(answers, found, output, proposals), code=1 if answers.failed else 0,
                  remarks=_failures(answers))  # fmt: skip


def _before(found: Estimate, endpoint: Endpoint, *, sent: bool) -> str:
    verb = "go" if sent else "would go"
    said = f"{plural(found.requests, 'text')} {verb} to {endpoint.host}, model {endpoint.model}"
    if found.cached:
        said += f" ({plural(found.cached, 'text')} answered already)"
    said += f": about {found.tokens_in:,} tokens there, at most about {found.tokens_out:,} back"
    return said + (f", at most about {found.cost:,.4f}." if found.cost is not None else ".")


def _told(answers: Answers, found: Coverage, output: Path, proposals: tuple[Path, int] | None) -> Iterator[Block]:
    cost = "" if answers.cost is None else f", {answers.cost:,.4f} in all"
    yield (
        f"{plural(answers.asked, 'text')} answered now, {answers.cached:,} before: {answers.tokens_in:,} tokens sent, "
        f"{answers.tokens_out:,} received{cost}."
    )
    if answers.unsupported:
        yield f"{plural(answers.unsupported, 'tag')} without evidence: the words that were given are not in the text."
    yield _covered(found, output)
    if proposals is not None and proposals[1]:
        yield (
            f"{plural(proposals[1], 'name')} may mean the same as another: say yes or no in {proposals[0]}, and give "
            "it as --merges to the same command, which asks nothing again."
        )


def _failures(answers: Answers) -> list[str]:
    if not answers.failed:
        return []
    text, reason = next(iter(answers.failed.items()))
    missing = plural(len(answers.failed), "text")
    said = f"{missing} without an answer, not in the file, such as {text!r}: {reason}; the same command asks for these "
    return [said + "again, and for no other"]


def _proposed(tags: list[Tag], output: Path) -> tuple[Path, int]:
    from explorer.annotation.encoders import open_encoder
    from explorer.annotation.merging import merges_as_text, propose_merges

    path = output.with_name(f"{output.stem}-merges.csv")
    found = propose_merges(tags, open_encoder("letters"))
    write_text(path, merges_as_text(found))
    return path, len(found)


def _write(output: Path, texts: list[SourceText], tags: list[Tag]) -> None:
    from explorer.annotation.files import tags_as_text

    write_text(output, tags_as_text(output, texts, tags))


def _covered(found: Coverage, output: Path) -> str:
    return (
        f"{plural(found.tags, 'tag')} in {output}: {found.tagged:,} of {plural(found.texts, 'text')} have one, "
        f"{found.mean_skills:.1f} on average, from {plural(found.skills, 'skill')}, of which {found.once:,} "
        f"{'is' if found.once == 1 else 'are'} used once."
    )


@command(rows=True)
def agreement(
    run: Run,
    first: Annotated[Path, typer.Argument(help="File of tags of one annotator, or reviewed by a person.")],
    second: Annotated[Path, typer.Argument(help="File of tags of another, on the same texts.")],
    rows: Annotated[int, typer.Option("--rows", min=0, help="Skills to list, the most disputed first.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the interval.")] = 0,
) -> Result:
    """Say how far two annotators agree, beyond chance, on the texts that both have tagged.

    A tag with no in column keep counts as not given.

    Example: skillgraph agreement tags.csv other-tags.csv
    """
    from explorer.annotation.quality import SkillAgreement, coverage
    from explorer.annotation.quality import agreement as measure
    from loaders.annotations import read_tags

    tags = read_tags(first), read_tags(second)
    found = measure(*tags, seed=seed)
    covers = [coverage(own, len({tag.text for tag in own})) for own in tags]
    value = {"agreement": found, "coverage": covers}

    def shown() -> Iterator[Block]:
        yield Table(
            ("", "texts", "with a tag", "tags", "skills", "used once"),
            [
                (str(path), *map(number, (own.texts, own.tagged, own.tags, own.skills, own.once)))
                for path, own in zip((first, second), covers, strict=True)
            ],
        )
        yield (
            f"Krippendorff's alpha is {found.alpha:.3f} (95 % interval {found.low:.3f} to {found.high:.3f}) on "
            f"{plural(found.texts, 'text')} and {plural(found.skills, 'skill')}: 1 is full agreement, 0 is chance."
        )
        yield Table(
            ("skill", "both", "first only", "second only", "alpha"),
            [
                (row.skill, number(row.both), number(row.first), number(row.second), number(row.alpha))
                for row in found.by_skill[:rows]
            ],
            title="The most disputed skills",
            caption="both, first only, second only: texts that were given the skill",
        )

    listed = rows_of(found.by_skill, SkillAgreement)
    return Result(value, shown(), Rows(listed.columns, listed.values))
