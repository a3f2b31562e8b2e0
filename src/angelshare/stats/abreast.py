"""LANES float64 numbers at once: rows of one flat array as vector registers.

LLVM does not turn loops over lanes into vector instructions where it cannot tell the arrays apart, which in a sweep
over rows costs a factor of three; these say outright what is meant. A register r is flat[r * LANES : (r + 1) * LANES].
"""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

LANES = 16
"""Replicates carried abreast."""

AHEAD = 24
"""Rows between asking for a row's multiplicities and using them."""

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)


def _pointer(context, builder, array_type, array, register, vector):
    data = context.make_array(array_type)(context, builder, array).data
    offset = builder.mul(register, ir.Constant(ir.IntType(64), LANES))
    return builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())


def _load(builder, pointer):
    value = builder.load(pointer)
    value.align = 1
    return value


def _store(builder, value, pointer):
    builder.store(value, pointer).align = 8


@intrinsic
def widen(typing_context, flat, register, drawn, row):
    """flat[register] = the bytes drawn[row], for a C-contiguous `drawn` (rows, LANES)."""

    def codegen(context, builder, signature, args):
        source = _load(builder, _pointer(context, builder, signature.args[2], args[2], args[3], _BYTES))
        target = _pointer(context, builder, signature.args[0], args[0], args[1], _VECTOR)
        _store(builder, builder.uitofp(source, _VECTOR), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, drawn, types.intp), codegen


@intrinsic
def fetch(typing_context, drawn, row):
    """Ask for drawn[row] to be brought near before it is needed: sorted rows lie anywhere in memory."""

    def codegen(context, builder, signature, args):
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
def add(typing_context, flat, register, other):
    """flat[register] += flat[other]"""

    def codegen(context, builder, signature, args):
        target, other = (_pointer(context, builder, signature.args[0], args[0], at, _VECTOR) for at in args[1:])
        _store(builder, builder.fadd(_load(builder, target), _load(builder, other)), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, types.intp), codegen


@intrinsic
def add_product(typing_context, flat, register, left, right):
    """flat[register] += flat[left] * flat[right]"""

    def codegen(context, builder, signature, args):
        target, left, right = (_pointer(context, builder, signature.args[0], args[0], at, _VECTOR) for at in args[1:])
        product = builder.fmul(_load(builder, left), _load(builder, right))
        _store(builder, builder.fadd(_load(builder, target), product), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, types.intp, types.intp), codegen


@intrinsic
def add_scaled(typing_context, flat, register, other, factor):
    """flat[register] += flat[other] * factor, one number for all lanes"""

    def codegen(context, builder, signature, args):
        target, other = (_pointer(context, builder, signature.args[0], args[0], at, _VECTOR) for at in args[1:3])
        none = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(none, args[3], ir.IntType(32)(0))
        everywhere = builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))
        product = builder.fmul(_load(builder, other), everywhere)
        _store(builder, builder.fadd(_load(builder, target), product), target)
        return context.get_dummy_value()

    return types.void(flat, types.intp, types.intp, types.float64), codegen


@intrinsic
def add_share(typing_context, flat, register, gain, part, whole):
    """flat[register] += flat[gain] * flat[part] / flat[whole] in the lanes with a gain"""

    def codegen(context, builder, signature, args):
        pointers = [_pointer(context, builder, signature.args[0], args[0], at, _VECTOR) for at in args[1:]]
        total, gain, part, whole = (_load(builder, pointer) for pointer in pointers)
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        share = builder.fdiv(builder.fmul(gain, part), whole)
        share = builder.select(builder.fcmp_ordered(">", gain, zero), share, zero)
        _store(builder, builder.fadd(total, share), pointers[0])
        return context.get_dummy_value()

    return types.void(flat, types.intp, types.intp, types.intp, types.intp), codegen


@intrinsic
def lowest(typing_context, bits):
    """The place of the lowest bit set in a 64-bit integer, which must not be 0."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.intp(types.uint64), codegen
