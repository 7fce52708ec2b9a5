"""Scan pickles before torch reads them.

`torch.load(weights_only=True)` runs no code, but builds whatever a pickle requests,
such as a `bytearray` of any length. Only what state dicts need is listed here and
accepted.
"""

import io
import pickletools
from typing import NamedTuple

import torch

from deit_spec.weights.weight_findings import shown

PICKLE_BYTES = 1 << 22
"""The longest pickle that is read. One byte of it can become an object of 200 bytes."""
NESTED = 1000
"""How many tuples a tuple may contain, with repetitions: its hash visits each."""
HASH_MODULUS = 2**61 - 1
"""From here on the hashes of integers repeat, so dict keys can be made to collide."""
LARGE_INTEGERS = 1000
"""How many integers of that size are accepted; random seeds are such integers."""

_NAMES = frozenset(
    {
        "__builtin__.complex",
        "__builtin__.set",
        "argparse.Namespace",  # DeiT's own checkpoints contain their arguments
        "builtins.complex",
        "builtins.set",
        "collections.Counter",  # milestones of a learning rate schedule
        "collections.OrderedDict",
        "torch.Size",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
        "torch.device",
        "torch.storage.TypedStorage",
        "torch.storage.UntypedStorage",
    }
)
_UNUSABLE = {
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without data",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_qtensor": "a quantised tensor",
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
}
"""Tensors that cannot be weights, by the function that would build them."""
_WIDTHS = {
    **dict.fromkeys(("Untyped", "Bool", "Byte", "Char"), 1),
    **dict.fromkeys(("Short", "Half", "BFloat16"), 2),
    **dict.fromkeys(("Int", "Float"), 4),
    **dict.fromkeys(("Long", "Double", "ComplexFloat"), 8),
    "ComplexDouble": 16,
}
"""The bytes of one number, by the name of its storage."""
_PROTOCOL_2 = """
    APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE
    BUILD EMPTY_DICT EMPTY_LIST EMPTY_SET EMPTY_TUPLE GLOBAL LONG1 LONG_BINGET
    LONG_BINPUT MARK NEWFALSE NEWOBJ NEWTRUE NONE PROTO REDUCE SETITEM SETITEMS
    SHORT_BINSTRING STOP TUPLE TUPLE1 TUPLE2 TUPLE3
"""
_OPERATIONS = frozenset(_PROTOCOL_2.split())
"""The operations of pickle protocol 2, with which torch.save writes."""
_MARK = object()
"""What the scan has on its stack for marks."""


class _Name(str):
    """What the scan has on its stack for names."""

    __slots__ = ()


class _Tuple(NamedTuple):
    """A tuple, and how many tuples it contains including itself."""

    items: tuple[object, ...]
    tuples: int


class BrokenPickleError(Exception):
    """The pickle is truncated or invalid."""


class ForbiddenPickleError(Exception):
    """The pickle contains something that no state dict needs; the text says what."""


class UnusableTensorError(Exception):
    """The pickle contains a tensor that cannot be a weight; the text says which."""


def scan(data: bytes, pickles: int = 1) -> dict[str, int]:
    """Scan pickles at the start of the data; return the bytes of storages by key."""
    file = io.BytesIO(data)
    storages: dict[str, int] = {}
    try:
        for _ in range(pickles):
            _scan_one(file, storages)
    except (ValueError, IndexError, KeyError):  # truncated; empty stack; unknown memo
        raise BrokenPickleError("its pickle is truncated or invalid") from None
    return storages


def _scan_one(file: io.BytesIO, storages: dict[str, int]) -> None:
    large = 0
    stack: list[object] = []
    memo: dict[object, object] = {}
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name not in _OPERATIONS:
            raise ForbiddenPickleError(f"its pickle has the operation {name}")
        large += isinstance(argument, int) and abs(argument) >= HASH_MODULUS
        if large > LARGE_INTEGERS:
            many = f"more than {LARGE_INTEGERS:,} integers of more than 60 bits"
            raise ForbiddenPickleError(f"it has {many}")
        if name == "GLOBAL":
            stack.append(_allowed(str(argument).replace(" ", ".", 1)))
        elif name.endswith("BINPUT"):
            memo[argument] = stack[-1]
        elif name.endswith("BINGET"):
            stack.append(memo[argument])
        else:
            _apply(operation, argument, stack, storages)


def _allowed(name: str) -> _Name:
    if name in _UNUSABLE:
        raise UnusableTensorError(_UNUSABLE[name])
    if name.startswith("torchao."):
        raise UnusableTensorError("a quantised tensor of torchao")
    module, _, last = name.rpartition(".")
    # Not getattr: torch imports modules on some attribute accesses.
    is_dtype = isinstance(vars(torch).get(last), torch.dtype)
    of_torch = module == "torch" and (last.endswith("Storage") or is_dtype)
    if not of_torch and name not in _NAMES:
        raise ForbiddenPickleError(f"it references `{shown(name)}`")
    return _Name(name)


def _apply(
    operation: pickletools.OpcodeInfo,
    argument: object,
    stack: list[object],
    storages: dict[str, int],
) -> None:
    """Change the stack as an operation does, without building its objects."""
    before, name = operation.stack_before, operation.name
    taken: list[object] = []
    fixed = len(before)
    if pickletools.markobject in before:
        fixed = before.index(pickletools.markobject)
        while (item := stack.pop()) is not _MARK:
            taken.append(item)
    taken += [stack.pop() for _ in range(fixed)]
    if _MARK in taken:
        raise BrokenPickleError("its pickle is truncated or invalid")
    if name in {"REDUCE", "NEWOBJ"} and not isinstance(taken[-1], _Name):
        # torch would quote it in an error, however long it is as text.
        raise BrokenPickleError("its pickle calls something that is not a name")
    if name == "BINPERSID":
        key, size = _storage(taken[0])
        storages[key] = max(size, storages.get(key, size))
    result: object = argument
    if name == "MARK":
        result = _MARK
    elif "TUPLE" in name:
        inner = sum(each.tuples for each in taken if isinstance(each, _Tuple))
        result = _Tuple(tuple(reversed(taken)), 1 + inner)
        if result.tuples > NESTED:
            raise ForbiddenPickleError(f"it has a tuple of more than {NESTED:,} tuples")
    stack += [result] * len(operation.stack_after)


def _storage(reference: object) -> tuple[str, int]:
    """The key and the number of bytes of a storage, from a reference to it."""
    match reference:
        case _Tuple(("storage", _Name() as kind, str(key), str(), int(count), *_)):
            width = _WIDTHS.get(kind.rpartition(".")[2].removesuffix("Storage"))
            if width:
                return key, count * width
    raise BrokenPickleError("its pickle has an invalid reference to a storage")
