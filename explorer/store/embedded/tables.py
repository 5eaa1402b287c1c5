"""Tables of a dataset, the skills and the associations of a layer: to blocks of a store's file, and back.

Each column is a block of its own, an Arrow stream compressed with LZ4, so that what is not asked for is not read. Ids
that refer to texts or skills are kept as numbers of their rows, beside the block that has the ids. What is read is
trusted: it was checked when it came in, and its checksum says that it is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import StoreError
from explorer.store.embedded.container import Block, Content, Draft

__all__ = ["Ids", "read_column", "read_table", "store_column", "store_table"]

Column = dict[str, Any]
_WRITE = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_READ = pa.ipc.IpcReadOptions(use_threads=False)


class Ids:
    """The ids that a column's numbers refer to.

    Attributes:
        block: Where they are stored.
        values: They themselves, in order.
        what: What they are ids of: `text`, `skill` or `model`.
    """

    def __init__(self, block: Block, values: pa.Array, what: str) -> None:
        self.block, self.values, self.what = block, values, what

    def numbers(self, ids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """int32 number of each id, null for null; ids may be dictionary-encoded.

        Raises:
            StoreError: An id is not among them.
        """
        if not len(ids):
            return pa.array([], pa.int32())
        column = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        if isinstance(column, pa.ChunkedArray):
            column = column.unify_dictionaries().combine_chunks()
        if pa.types.is_dictionary(column.type):
            same = column.dictionary.equals(self.values)
            numbers = column.indices.cast(pa.int32())
            if not same:
                numbers = pc.index_in(column.dictionary, value_set=self.values).take(column.indices)
        else:
            numbers = pc.index_in(column, value_set=self.values)
        if numbers.null_count > column.null_count:
            missing = column.filter(pc.and_(pc.is_valid(column), pc.is_null(numbers)))[0].as_py()
            raise StoreError(f"{self.what} {missing!r} is not in the dataset: load the texts that use it first")
        return numbers

    def has_any(self, ids: pa.ChunkedArray) -> bool:
        """True if one of these ids is among them."""
        return pc.any(pc.is_in(ids, value_set=self.values)).as_py() is True

    def has(self, ids: pa.ChunkedArray) -> bool:
        """True if all of these ids, but for null, are among them."""
        known = pc.or_(pc.is_null(ids), pc.is_in(ids, value_set=self.values))
        return pc.all(known).as_py() is not False


def store_column(draft: Draft, values: pa.Array | pa.ChunkedArray, ids: Ids | None = None) -> Column:
    """Write a column; with `ids`, as their numbers."""
    if ids is not None:
        values = ids.numbers(values)
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("v", column.type)]), options=_WRITE) as stream:
        stream.write_table(pa.table({"v": column}))
    found: Column = {"block": draft.add(sink.getvalue())}
    return found if ids is None else {**found, "ids": {"block": ids.block}}


def store_table(draft: Draft, table: pa.Table, ids: Mapping[str, Ids] | None = None) -> dict[str, Any]:
    """Write a table; columns that repeat the column `id` share its block.

    Args:
        draft: Where it goes.
        table: The table.
        ids: Of the columns that are kept as numbers, by name.
    """
    columns: dict[str, Column] = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        if name != "id" and "id" in columns and values.type == pa.string() and values.equals(table["id"]):
            columns[name] = columns["id"]
        else:
            columns[name] = store_column(draft, values, (ids or {}).get(name))
    return {"rows": table.num_rows, "columns": columns}


def read_column(content: Content, column: Column, *, encoded: bool = True) -> pa.ChunkedArray:
    """A column; one that is kept as numbers is dictionary-encoded, or plain with `encoded=False`."""
    values = _read(content, column["block"])
    if "ids" not in column:
        return values
    ids = _read(content, column["ids"]["block"]).combine_chunks()
    ids = ids if isinstance(ids, pa.Array) else pa.array([], pa.string())
    chunks = [pa.DictionaryArray.from_arrays(chunk, ids) if encoded else ids.take(chunk) for chunk in values.chunks]
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()) if encoded else pa.string())


def read_table(content: Content, table: Mapping[str, Any], names: Sequence[str] | None = None) -> pa.Table:
    """A table, or some of its columns; what was kept as numbers is dictionary-encoded."""
    read: dict[int, pa.ChunkedArray] = {}
    columns = {}
    for name in table["columns"] if names is None else names:
        column = table["columns"][name]
        place = column["block"][0]
        if place not in read:
            read[place] = read_column(content, column)
        columns[name] = read[place]
    return pa.table(columns)


def _read(content: Content, block: Block) -> pa.ChunkedArray:
    return pa.ipc.open_stream(pa.py_buffer(content.read(block)), options=_READ).read_all()["v"]
