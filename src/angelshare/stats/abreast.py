"""LANES float64 numbers at once: rows of one flat array as vector registers.

LLVM does not turn loops over lanes into vector instructions where it cannot tell the arrays apart, which in a sweep
over rows costs a factor of three; these say outright what is meant. A register r is flat[r * LANES : (r + 1) * LANES].
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
"""Replicates carried abreast."""

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)


def _pointer(context, builder, array_type, array, register, vector):  # type: ignore[no-untyped-def]
    data = context.make_array(array_type)(context, builder, array).data
    offset = builder.mul(register, ir.Constant(ir.IntType(64), LANES))
    return builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())


def _load(builder, pointer):  # type: ignore[no-untyped-def]
    value = builder.load(pointer)
    value.align = 1
    return value


def _store(builder, value, pointer):  # type: ignore[no-untyped-def]
    builder.store(value, pointer).align = 8


@intrinsic
def widen(typing_context, flat, register, drawn, row):  # type: ignore[no-untyped-def]
    """flat[register] = the bytes drawn[row], for a C-contiguous `drawn` (rows, LANES)."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        source = _load(builder, _pointer(context, builder, signature.args[2], args[2], args[3], _BYTES))
        target = _pointer(context, builder, signature.args[0], args[0], args[1], _VECTOR)
        _store(builder, builder.uitofp(source, _VECTOR), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, drawn, types.intp), codegen


@intrinsic
def fetch(typing_context, drawn, row):  # type: ignore[no-untyped-def]
    """Ask for drawn[row] to be brought near before it is needed: sorted rows lie anywhere in memory."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _pointer(context, builder, signature.args[0], args[0], args[1], _BYTES)
        place = builder.bitcast(place, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [place.type], ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        )
        builder.call(function, [place, number(0), number(1), number(1)])
        return context.get_dummy_value()

    return types.void(drawn, types.intp), codegen


@intrinsic
def add(typing_context, flat, register, other):  # type: ignore[no-untyped-def]
    """flat[register] += flat[other]"""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        target, other = (_pointer(context, builder, signature.args[0], args[0], at, _VECTOR) for at in args[1:])
        _store(builder, builder.fadd(_load(builder, target), _load(builder, other)), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, types.intp), codegen


@intrinsic
def add_product(typing_context, flat, register, left, right):  # type: ignore[no-untyped-def]
    """flat[register] += flat[left] * flat[right]"""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        target, left, right = (_pointer(context, builder, signature.args[0], args[0], at, _VECTOR) for at in args[1:])
        product = builder.fmul(_load(builder, left), _load(builder, right))
        _store(builder, builder.fadd(_load(builder, target), product), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, types.intp, types.intp), codegen
