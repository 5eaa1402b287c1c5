"""How kernels are compiled: once, cached on disk, without the interpreter's lock."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba.np.linalg
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["ONE", "ZERO", "instruction", "kernel", "prefetch", "trailing_zeros"]

ONE, ZERO = cast("int", np.int64(1)), cast("int", np.int64(0))
"""For arguments of other kernels: for each literal that is given to it, numba compiles a kernel once more."""

Function = TypeVar("Function", bound=Callable[..., Any])


def _import_without_scipy() -> None:
    """Import numba's array functions without `scipy.linalg`, which takes as long as the rest of numba.

    They import it only to see whether there is a BLAS. Code that multiplies matrices asks again when it is compiled.
    """
    ensure_blas = numba.np.linalg.ensure_blas
    numba.np.linalg.ensure_blas = lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        numba.np.linalg.ensure_blas = ensure_blas


_import_without_scipy()


def kernel(function: Function) -> Function:
    """Compile `function` at its first call.

    numba keeps the machine code in `NUMBA_CACHE_DIR` if that is set, else beside the source, else (for an
    installation that cannot be written to) in the user's cache directory. Where none of them can be written,
    each process compiles for itself; a shared temporary directory would let others plant code there.
    """
    try:
        return cast("Function", njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba: "cannot cache function …: no locator available"
        return cast("Function", njit(nogil=True)(function))


def instruction(define: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that kernels call; `define` gives its signature and its code, and gets a typing context first."""
    return cast("Callable[..., Any]", intrinsic(define))


@instruction
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of `array[index]` (one-dimensional, contiguous) to be read and written soon.

    The address is not dereferenced: an index past the end is harmless.
    """
    signature = types.void(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type, index_type = signature.args
        data = context.make_array(array_type)(context, builder, arguments[0]).data
        position = context.cast(builder, arguments[1], index_type, types.intp)
        byte_pointer = ir.IntType(8).as_pointer()
        address = builder.bitcast(builder.gep(data, [position]), byte_pointer)
        number = ir.IntType(32)
        name = "llvm.prefetch.p0"
        intrinsic_type = ir.FunctionType(ir.VoidType(), [byte_pointer, number, number, number])
        function = builder.module.globals.get(name) or ir.Function(builder.module, intrinsic_type, name=name)
        # for writing (1), keep in all cache levels (3), data and not instructions (1)
        builder.call(function, [address, number(1), number(3), number(1)])
        return context.get_dummy_value()

    return signature, generate


@instruction
def trailing_zeros(typing_context: Any, word: Any) -> Any:
    """Position of the lowest set bit of a 64-bit word that is not 0."""
    signature = types.uint64(types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return signature, generate
