"""Load a dataset from files into a store, whole or as a further part of one that is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import StoreError
from explorer.service.snapshot import graph_parts, lineage
from explorer.store.fingerprint import dataset_fingerprint
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, DatasetInfo, Layer, Progress, Store
from loaders.dataset import EMPTY_TABLES, Dataset, add_outcomes, extend_dataset, rename_dataset
from loaders.errors import DataError

if TYPE_CHECKING:
    from loaders.formats import Decision, Reading, TextPreview

__all__ = [
    "LoadReport",
    "Source",
    "dataset_info",
    "default_name",
    "inspect_source",
    "load",
    "load_sources",
    "stale_after_load",
]


@dataclass(frozen=True)
class LoadReport:
    """What a load stored.

    Attributes:
        dataset: The dataset as it is now.
        added_texts: Texts that this load brought.
        added_skills: Skills that were not there before.
        added_outcomes: Outcomes that were not there before.
        replaced: True if a dataset of that name was replaced.
        unchanged: True if a dataset of that name and the same content was there: nothing was written.
        stale_layers: Names of its layers that are stale now: what they were made from has changed.
        seconds: Time for reading, validating and storing.
        preview: The first texts of the source with their skills, as they were understood.
        decisions: What was decided of the files, each with its evidence.
        skipped: Number of rows left out by reason.
        examples: The first messages about them.
    """

    dataset: DatasetInfo
    added_texts: int
    added_skills: int
    replaced: bool
    seconds: float
    unchanged: bool = False
    stale_layers: tuple[str, ...] = ()
    added_outcomes: int = 0
    preview: tuple[TextPreview, ...] = ()
    decisions: tuple[Decision, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """What is read: a file, a folder or a package, and how.

    Attributes:
        target: Path, `stdlib` or the name of a package.
        format: Name of the format; None to find out.
        part: Name of the part that its texts belong to.
        lenient: Count and leave out rows that are wrong.
        options: Of the format and of files beside the main one.
    """

    target: str
    format: str | None = None
    part: str | None = None
    lenient: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


def inspect_source(source: Source, *, stored: Dataset | None = None, progress: Progress | None = None) -> Reading:
    """What a load would understand of a source, with the other readings and the options that take them.

    A page shows it, lets the user choose among `choices` and `decisions`, and loads with these options.

    Args:
        source: What is looked at; nothing is stored.
        stored: A dataset that it is to be added to: outcomes alone are on its texts then.
        progress: Called with what is done and what there is.

    Returns:
        The proposed reading; its `problem` says why there is none.
    """
    from loaders.formats import inspect

    return inspect(
        source.target,
        format=source.format,
        lenient=source.lenient,
        progress=progress,
        stored=stored,
        **source.options,
    )


def stale_after_load(
    store: Store, name: str, parts: Sequence[str], *, append: bool, outcomes_alone: bool = False
) -> tuple[str, ...]:
    """Which layers a load makes stale, if it changes anything.

    Args:
        store: Where the dataset is.
        name: The dataset that is added to or replaced; one that is not there has no layers.
        parts: Parts that the texts of the load belong to.
        append: The texts are added; otherwise they replace those that are there.
        outcomes_alone: Outcomes are added to texts that are there: that concerns layers from evidence.

    Returns:
        Names of layers: those that read a part that changes, and those that were fine-tuned from such.
    """
    if dataset_info(store, name) is None:
        return ()
    infos = store.layers(name)
    if outcomes_alone:
        stale = {info.name for info in infos if info.kind == "evidence"}
    else:
        stale = {
            info.name
            for info in infos
            if not append or not info.graph_parts or not set(info.graph_parts).isdisjoint(parts)
        }
    while more := {info.name for info in infos if info.base in stale} - stale:
        stale |= more
    return tuple(info.name for info in infos if info.name in stale)


def load_sources(
    store: Store,
    sources: Sequence[Source],
    *,
    name: str,
    append: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Read sources as one dataset and store it, see `load`.

    Args:
        store: Where it goes.
        sources: What is read; skills with the same id are the same skill.
        name: Name of the dataset.
        append: See `load`, likewise `replace`.
        replace: See `load`.
        progress: Called while files are read and rows stored.

    Returns:
        What is there now, and what was understood of the files.
    """
    from loaders.formats import load as read_file

    skipped: dict[str, int] = {}
    decisions: list[Decision] = []
    examples: list[str] = []

    there = dataset_info(store, name) if append else None

    def read() -> Dataset:
        whole: Dataset | None = None
        stored = None if there is None else store.read_dataset(name)
        for source in sources:
            found = read_file(
                source.target,
                format=source.format,
                name="new",
                part=source.part,
                lenient=source.lenient,
                progress=progress,
                stored=stored,
                **source.options,
            )
            decisions.extend(found.decisions)
            examples.extend(found.examples)
            for reason, count in found.skipped.items():
                skipped[reason] = skipped.get(reason, 0) + count
            if whole is not None and whole.outcomes_alone != found.dataset.outcomes_alone:
                raise DataError("load the new texts first, and then the outcomes on texts that are stored")
            join = add_outcomes if found.dataset.outcomes_alone else extend_dataset
            whole = found.dataset if whole is None else join(whole, found.dataset)
        assert whole is not None, "there is at least one source"
        return whole

    report = load(store, read, name=name, append=append, replace=replace, progress=progress)
    return replace_fields(report, decisions=tuple(decisions), skipped=skipped, examples=tuple(examples))


def default_name(target: str | Path) -> str:
    """Name of a dataset or part by what it is read from: a file or folder without its suffixes.

    >>> default_name("runs/tasks.jsonl.gz")
    'tasks'
    """
    name = Path(target).name or Path(target).resolve().name
    return name.partition(".")[0] or name.lstrip(".") or "data"


def dataset_info(store: Store, name: str) -> DatasetInfo | None:
    """The dataset's sizes; None if it is not there."""
    return next((info for info in store.datasets() if info.name == name), None)


def load(
    store: Store,
    read: Callable[[], Dataset],
    *,
    name: str,
    append: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Read a dataset and store it.

    Args:
        store: Where it goes.
        read: Reads and validates the source; called once it is clear that the result may be stored.
        name: Name of the dataset.
        append: Add to the dataset of that name; its layers stay. Outcomes alone are added to texts that are there.
        replace: Put it in the place of the dataset of that name. Its layers stay, without their associations, and
            are stale where their texts have changed; skills that are gone are kept by id in the layers.
        progress: Called while rows are stored.

    Returns:
        What is there now.

    Raises:
        StoreError: A dataset of that name is there and neither `append` nor `replace` is given, or both are.
        DataError: The source is wrong; nothing has been stored.
    """
    from loaders.formats import preview

    start = time.perf_counter()
    if append and replace:
        raise StoreError("a load either appends or replaces: give only one of --append and --replace")
    before = dataset_info(store, name)
    if before is not None and not append and not replace:
        raise StoreError(
            f"dataset {name!r} exists in {store.url} already: use --replace to load it again, --append to add a "
            "part, or another name with --dataset"
        )
    new = rename_dataset(read(), name)
    unchanged = False
    if before is not None and append:
        stored = store.read_dataset(name)
        if new.outcomes_alone:
            whole = add_outcomes(stored, new)
            known = pc.is_in(new.models["id"], value_set=stored.models["id"].combine_chunks())
            of = pc.is_in(new.models["id"], value_set=pc.unique(new.attempts["model"].cast(pa.string())))
            new = replace_fields(
                new, texts=EMPTY_TABLES["texts"], models=new.models.filter(pc.or_(of, pc.invert(known)))
            )
        else:
            whole = extend_dataset(stored, new)
        store.append_dataset(whole, new, progress=progress)
    elif before is not None and before.fingerprint and before.fingerprint == dataset_fingerprint(new):
        unchanged = True
    else:
        kept = [] if before is None else kept_layers(store, new)
        store.write_dataset(new, replace=replace, layers=kept, progress=progress)
    after = dataset_info(store, name)
    assert after is not None, "a dataset that was written is there"
    stays = before if before is not None and (append or unchanged) else None
    return LoadReport(
        dataset=after,
        added_texts=after.texts - (stays.texts if stays else 0),
        added_skills=after.skills - (stays.skills if stays else 0),
        added_outcomes=after.attempts - (stays.attempts if stays else 0),
        replaced=before is not None and not append and not unchanged,
        unchanged=unchanged,
        stale_layers=tuple(info.name for info in store.layers(name) if info.stale),
        seconds=time.perf_counter() - start,
        preview=preview(new),
    )


def kept_layers(store: Store, dataset: Dataset) -> list[Layer]:
    """The layers of the stored dataset of that name as they are after `dataset` has taken its place.

    They keep what they learned: the skills that are still there, and the ids of those that are not. Associations come
    from the texts, so of these only the options stay.
    """
    kept = []
    there = dataset.skills["id"].combine_chunks()
    position = LAYER_SKILLS_SCHEMA.get_field_index("component")
    for info in store.layers(dataset.name):
        skills = store.read_layer(dataset.name, info.name).skills
        stays = pc.is_in(skills["skill"], value_set=there)
        gone = skills["skill"].filter(pc.invert(stays)).to_pylist()
        rows = skills.filter(stays)
        rows = rows.set_column(position, LAYER_SKILLS_SCHEMA.field(position), pa.nulls(rows.num_rows, pa.int32()))
        options = dict(info.association_options)
        if info.associations is not None:
            options = {"rule": info.association_rule, **options}
        after = replace_fields(
            info,
            learned=rows.num_rows,
            associations=None,
            association_rule=None,
            association_options=options,
            lacks=None,
            graph_parts=graph_parts(lineage(store, dataset.name, info.name)),
            vanished=tuple(sorted({*info.vanished, *gone})),
        )
        kept.append(Layer(after, rows.combine_chunks()))
    return kept
