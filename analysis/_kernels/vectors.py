"""Eight 32-bit values at a time: rows of any length are copied without a branch for most of them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["LANES", "copy_lanes", "fill_lanes"]

LANES = 8
_NUMBER = ir.IntType(32)
_VECTOR = ir.VectorType(_NUMBER, LANES)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index_type: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    position = context.cast(builder, index, index_type, types.intp)
    return builder.bitcast(builder.gep(data, [position]), _VECTOR.as_pointer())


@intrinsic
def copy_lanes(typing_context: Any, target: Any, i: Any, source: Any, j: Any) -> Any:
    """`target[i:i+8] = source[j:j+8]`, both one-dimensional int32; the caller sees to the bounds."""
    signature = types.void(target, i, source, j)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        to = _address(context, builder, kinds[0], arguments[0], kinds[1], arguments[1])
        values = builder.load(_address(context, builder, kinds[2], arguments[2], kinds[3], arguments[3]), align=4)
        builder.store(values, to, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fill_lanes(typing_context: Any, target: Any, i: Any, value: Any) -> Any:
    """`target[i:i+8] = value`, one-dimensional int32; the caller sees to the bounds."""
    signature = types.void(target, i, value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        to = _address(context, builder, kinds[0], arguments[0], kinds[1], arguments[1])
        number = context.cast(builder, arguments[2], kinds[2], types.int32)
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        one = builder.insert_element(undefined, number, _NUMBER(0))
        builder.store(builder.shuffle_vector(one, undefined, ir.Constant(_VECTOR, [0] * LANES)), to, align=4)
        return context.get_dummy_value()

    return signature, generate
