"""Eight 32-bit values at a time: rows of any length are copied without a branch for most of them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from analysis._kernels.compile import instruction

__all__ = ["LANES", "copy_lanes", "fill_lanes", "sort_lanes"]

LANES = 8
_NUMBER = ir.IntType(32)
_VECTOR = ir.VectorType(_NUMBER, LANES)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index_type: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    position = context.cast(builder, index, index_type, types.intp)
    return builder.bitcast(builder.gep(data, [position]), _VECTOR.as_pointer())


@instruction
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


@instruction
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


@instruction
def sort_lanes(typing_context: Any, array: Any, i: Any, count: Any) -> Any:
    """Sort `array[i:i+count]`, count ≤ 8, in place; True if two are equal. One-dimensional int32 below 2^31-1.

    `array[i:i+8]` must exist. A bitonic network of six compare-and-exchange steps, without a branch.
    """
    signature = types.boolean(array, i, count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        place = _address(context, builder, kinds[0], arguments[0], kinds[1], arguments[1])
        before = builder.load(place, align=4)
        undefined, filler = ir.Constant(_VECTOR, ir.Undefined), ir.Constant(_VECTOR, [2**31 - 1] * LANES)
        number = context.cast(builder, arguments[2], kinds[2], types.int32)
        number = builder.insert_element(undefined, number, _NUMBER(0))
        counts = builder.shuffle_vector(number, undefined, ir.Constant(_VECTOR, [0] * LANES))
        present = builder.icmp_signed("<", ir.Constant(_VECTOR, list(range(LANES))), counts)
        values = builder.select(present, before, filler)
        for exchange in ("10325476", "32107654", "10325476", "76543210", "23016745", "10325476"):
            partner = [int(lane) for lane in exchange]
            others = builder.shuffle_vector(values, undefined, ir.Constant(_VECTOR, partner))
            less = builder.icmp_signed("<", values, others)
            low, high = builder.select(less, values, others), builder.select(less, others, values)
            takes_low = [lane < other for lane, other in enumerate(partner)]
            values = builder.select(ir.Constant(ir.VectorType(ir.IntType(1), LANES), takes_low), low, high)
        builder.store(builder.select(present, values, before), place, align=4)
        following = builder.shuffle_vector(values, filler, ir.Constant(_VECTOR, list(range(1, LANES + 1))))
        equal = builder.icmp_signed("==", values, following)
        twice = builder.and_(equal, builder.icmp_signed("!=", values, filler))
        return builder.icmp_unsigned("!=", builder.bitcast(twice, ir.IntType(LANES)), ir.IntType(LANES)(0))

    return signature, generate
