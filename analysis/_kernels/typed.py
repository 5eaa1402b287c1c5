"""Compiled sums over kinds of texts or skills: what the others of each end of an edge contribute.

Row r stands for `weight[r]` texts (or skills) of one kind, each with `count[i]` ends of the edge type `edge[i]` for
every entry i of the row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import ZERO, kernel
from analysis._kernels.sorting import sort_run

__all__ = ["change_of", "count_ends", "number_rows", "others_first_two", "others_product", "others_table",
           "row_products", "row_tables", "swap_ends"]  # fmt: skip

_TINY = 1e-200
"""Factors below this count as 0: dividing by them would lose what the others contribute."""

_SHORT = 32
"""Ends of a row up to which they are put in order one by one."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Edges = npt.NDArray[np.int32]


Words = npt.NDArray[np.uint64]


@kernel
def number_rows(ptr: Ints, edges: Edges, label: Edges, words: Words, kind: Ints, first: Ints) -> int:
    """Number the rows by what they hold, in order of first appearance; how many different ones there are.

    A row is known by its label and two sums of random words, one word an edge type, modulo 2^64. `kind[r]` becomes the
    number of row r, `first[k]` the first row of number k.
    """
    n = len(label)
    size = 8
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int64)
    marks = np.empty((2, n), np.uint64)
    found = 0
    for r in range(n):
        one, two = np.uint64(0), np.uint64(0)
        for i in range(ptr[r], ptr[r + 1]):
            one += words[0, edges[i]]
            two += words[1, edges[i]]
        place = (np.int64(one >> np.uint64(1)) + label[r]) & (size - 1)
        while True:
            k = slots[place]
            if k < 0:
                slots[place] = found
                marks[0, found], marks[1, found] = one, two
                first[found] = r
                kind[r] = found
                found += 1
                break
            if marks[0, k] == one and marks[1, k] == two and label[first[k]] == label[r]:
                kind[r] = k
                break
            place = (place + 1) & (size - 1)
    return found


@kernel
def count_ends(ptr: Ints, edges: Edges, rows: Ints, out: Ints, edge: Edges, count: Edges) -> int:
    """The edge types of some rows, ascending, with how many ends each has; how many entries that makes.

    Entries of the k-th of `rows` are at `out[k]` … `out[k + 1]` of `edge` and `count`.
    """
    end = 0
    out[0] = 0
    for k in range(len(rows)):
        begin = end
        held = edges[ptr[rows[k]] : ptr[rows[k] + 1]]
        if len(held) > _SHORT:
            held = held.copy()
            sort_run(held, ZERO, len(held))
        for e in held:
            place = end
            while place > begin and edge[place - 1] > e:
                place -= 1
            if place > begin and edge[place - 1] == e:
                count[place - 1] += 1
                continue
            for i in range(end, place, -1):
                edge[i], count[i] = edge[i - 1], count[i - 1]
            edge[place], count[place] = e, 1
            end += 1
        out[k + 1] = end
    return end


@kernel
def change_of(before: Floats, after: Floats, weight: Floats) -> float:
    """Σ weight · |after - before|, without the threads that a product of vectors would start for so little."""
    total = 0.0
    for i in range(len(before)):
        total += abs(after[i] - before[i]) * weight[i]
    return total


@kernel
def others_product(ptr: Ints, edge: Edges, count: Edges, weight: Floats, factor: Floats, out: Floats) -> None:
    """`out[m] += Σ_r weight · n_rm · Π_i factor_i^(n_ri - [i = m])`, O(entries)."""
    for r in range(len(ptr) - 1):
        product = 1.0
        zeros = 0
        place = 0
        for i in range(ptr[r], ptr[r + 1]):
            f = factor[edge[i]]
            n = count[i]
            if f < _TINY:
                zeros += n
                place = i
            elif n == 1:
                product *= f
            else:
                product *= f**n
        if zeros == 0:
            for i in range(ptr[r], ptr[r + 1]):
                out[edge[i]] += weight[r] * count[i] * (product / factor[edge[i]])
        elif zeros == 1:
            out[edge[place]] += weight[r] * product


@kernel
def row_products(ptr: Ints, edge: Edges, count: Edges, factor: Floats, out: Floats) -> None:
    """`out[r] = Π_i factor_i^n_ri`."""
    for r in range(len(ptr) - 1):
        product = 1.0
        for i in range(ptr[r], ptr[r + 1]):
            n = count[i]
            if n == 1:
                product *= factor[edge[i]]
            else:
                product *= factor[edge[i]] ** n
        out[r] = product


@kernel
def others_table(
    ptr: Ints,
    edge: Edges,
    count: Edges,
    weight: Floats,
    keep: Floats,
    novel: Floats,
    table: Floats,
    scratch: Floats,
    out: Floats,
) -> None:
    """`out[m] += Σ_r weight · n_rm · Σ_n [zⁿ] Π_i (keep_i + novel_i z)^(n_ri - [i = m]) table[n]`.

    `scratch` has a row more than the longest row has ends, and a column for each entry of the table.
    """
    size = len(table)
    after = np.empty(size)
    for r in range(len(ptr) - 1):
        ends = 0
        scratch[0, :] = 0.0
        scratch[0, 0] = 1.0
        for i in range(ptr[r], ptr[r + 1]):
            k = keep[edge[i]]
            b = novel[edge[i]]
            for _ in range(count[i]):
                for n in range(size - 1, 0, -1):
                    scratch[ends + 1, n] = scratch[ends, n] * k + scratch[ends, n - 1] * b
                scratch[ends + 1, 0] = scratch[ends, 0] * k
                ends += 1
        after[:] = 0.0
        after[0] = 1.0
        for i in range(ptr[r + 1] - 1, ptr[r] - 1, -1):
            k = keep[edge[i]]
            b = novel[edge[i]]
            total = 0.0
            for n in range(size):
                for j in range(size - n):
                    total += scratch[ends - 1, n] * after[j] * table[n + j]
            out[edge[i]] += weight[r] * count[i] * total
            for _ in range(count[i]):
                for n in range(size - 1, 0, -1):
                    after[n] = after[n] * k + after[n - 1] * b
                after[0] *= k
                ends -= 1


@kernel
def row_tables(ptr: Ints, edge: Edges, count: Edges, keep: Floats, novel: Floats, table: Floats, out: Floats) -> None:
    """`out[r] = Σ_n [zⁿ] Π_i (keep_i + novel_i z)^n_ri table[n]`."""
    size = len(table)
    terms = np.empty(size)
    for r in range(len(ptr) - 1):
        terms[:] = 0.0
        terms[0] = 1.0
        for i in range(ptr[r], ptr[r + 1]):
            k = keep[edge[i]]
            b = novel[edge[i]]
            for _ in range(count[i]):
                for n in range(size - 1, 0, -1):
                    terms[n] = terms[n] * k + terms[n - 1] * b
                terms[0] *= k
        total = 0.0
        for n in range(size):
            total += terms[n] * table[n]
        out[r] = total


@kernel
def others_first_two(
    ptr: Ints, edge: Edges, count: Edges, weight: Floats, keep: Floats, novel: Floats, none: Floats, one: Floats
) -> None:
    """`others_table` for the tables [1] (into `none`) and [0, 1] (into `one`) at once, O(entries).

    With keep_i > 0: none = Π_{i≠m} keep_i, one = none · Σ_{i≠m} novel_i / keep_i; zeros are set apart.
    """
    for r in range(len(ptr) - 1):
        product = 1.0
        ratios = 0.0
        zeros = 0
        first = 0  # entries whose keep is 0
        second = 0
        for i in range(ptr[r], ptr[r + 1]):
            k = keep[edge[i]]
            n = count[i]
            if k < _TINY:
                if zeros == 0:
                    first = i
                elif n == 1 or second == 0:
                    second = i
                zeros += n
            else:
                ratios += n * novel[edge[i]] / k
                if n == 1:
                    product *= k
                else:
                    product *= k**n
        if zeros == 0:
            for i in range(ptr[r], ptr[r + 1]):
                rest = weight[r] * count[i] * (product / keep[edge[i]])
                none[edge[i]] += rest
                one[edge[i]] += rest * (ratios - novel[edge[i]] / keep[edge[i]])
        elif zeros == 1:
            none[edge[first]] += weight[r] * product
            one[edge[first]] += weight[r] * product * ratios
            for i in range(ptr[r], ptr[r + 1]):
                if i != first:
                    one[edge[i]] += weight[r] * count[i] * (product / keep[edge[i]]) * novel[edge[first]]
        elif zeros == 2:
            if count[first] == 2:
                one[edge[first]] += weight[r] * 2.0 * product * novel[edge[first]]
            else:
                one[edge[first]] += weight[r] * product * novel[edge[second]]
                one[edge[second]] += weight[r] * product * novel[edge[first]]


@kernel
def swap_ends(
    ptr: Ints,
    skills: Edges,
    text_of: Edges,
    order: Ints,
    starts: Ints,
    partner: Ints,
) -> int:
    """Swap the skills of pairs of edges of the same type wherever no text comes to require a skill twice.

    `order` lists the edges by type, type m in `order[starts[m]:starts[m+1]]`; step i tries the edges at position i
    and at `partner[i]` of `order`. Rows of `skills` are not sorted any more. Returns the number of swaps made.
    """
    made = 0
    for m in range(len(starts) - 1):
        for i in range(starts[m], starts[m + 1]):
            first = order[i]
            second = order[partner[i]]
            t, u = text_of[first], text_of[second]
            s, v = skills[first], skills[second]
            if t == u or s == v:
                continue
            free = True
            for j in range(ptr[t], ptr[t + 1]):
                if skills[j] == v:
                    free = False
                    break
            if not free:
                continue
            for j in range(ptr[u], ptr[u + 1]):
                if skills[j] == s:
                    free = False
                    break
            if free:
                skills[first] = v
                skills[second] = s
                made += 1
    return made
