"""Pickles of torch, looked through before torch makes anything of them.

`torch.load(weights_only=True)` runs no code, yet it makes what a pickle asks for: a
`bytearray` of any length, or text encoded again and again, each time twice as long.
A state dict needs none of that. What it needs is listed here.
"""

import io
import pickletools
from typing import TypeAlias

import torch

from deit_spec.weights.weight_findings import shown

PICKLE_BYTES = 1 << 22
"""The longest pickle that is read. A byte of it can become an object of 200 bytes."""
NESTED = 1000
"""How many tuples a tuple may hold, counted each time that one is met.

To hash a tuple is to walk it. One that holds another twice, which holds a third
twice, and so on, is short in the file and never walked to the end.
"""

HASHED = 2**61 - 1
"""The integer of which Python's hash is 0 again: keys above it can all collide."""
LARGE = 1000
"""How many of these there may be; seeds are some."""

_NAMES = frozenset(
    {
        "__builtin__.complex",
        "__builtin__.set",
        "argparse.Namespace",  # the recipes of the original repository keep theirs
        "builtins.complex",
        "builtins.set",
        "collections.Counter",  # milestones of a learning rate
        "collections.OrderedDict",
        "torch.Size",
        "torch._utils._rebuild_meta_tensor_no_storage",
        "torch._utils._rebuild_nested_tensor",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_sparse_tensor",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
        "torch.device",
        "torch.serialization._get_layout",
        "torch.storage.TypedStorage",
        "torch.storage.UntypedStorage",
    }
)
_PROTOCOL_2 = """
    APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE
    BUILD EMPTY_DICT EMPTY_LIST EMPTY_SET EMPTY_TUPLE GLOBAL LONG1 LONG_BINGET
    LONG_BINPUT MARK NEWFALSE NEWOBJ NEWTRUE NONE PROTO REDUCE SETITEM SETITEMS
    SHORT_BINSTRING STOP TUPLE TUPLE1 TUPLE2 TUPLE3
"""
"""The operations with which torch.save writes, and which weights_only reads."""
_OPERATIONS = frozenset(_PROTOCOL_2.split())

Item: TypeAlias = int
"""What is on the stack: for a tuple how many tuples it is, 0 for anything else."""
_NAME, _MARK = -1, -2


class BrokenPickleError(Exception):
    """A pickle that no program writes."""


class NeedsMoreError(Exception):
    """A pickle with what no state dict needs; the text says what."""


class ForeignOperationError(NeedsMoreError):
    """A pickle with an operation that torch.save does not write by itself."""


def scan(data: bytes, pickles: int = 1) -> frozenset[str]:
    """Look through the pickles that data begins with; return what they name.

    Raises:
        NeedsMoreError: One has names or operations that no state dict needs.
        BrokenPickleError: One is not whole, or makes no sense.
    """
    file = io.BytesIO(data)
    try:
        return frozenset[str]().union(*(_scan_one(file) for _ in range(pickles)))
    except (ValueError, IndexError, KeyError):  # no end; nothing on the stack or kept
        raise BrokenPickleError("its pickle ends or errs") from None


def _scan_one(file: io.BytesIO) -> set[str]:
    names, large = set[str](), 0
    stack: list[Item] = []
    kept: dict[object, Item] = {}
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name not in _OPERATIONS:
            raise ForeignOperationError(f"its pickle has the operation {name}")
        large += isinstance(argument, int) and abs(argument) >= HASHED
        if large > LARGE:
            raise NeedsMoreError(f"it has over {LARGE:,} integers of over 60 bits")
        if name == "GLOBAL":
            names.add(_allowed(str(argument).replace(" ", ".", 1)))
            stack.append(_NAME)
        elif name.endswith("BINPUT"):
            kept[argument] = stack[-1]
        elif name.endswith("BINGET"):
            stack.append(kept[argument])
        else:
            _apply(operation, stack)
    return names


def _allowed(name: str) -> str:
    module, _, last = name.rpartition(".")
    # By `vars`, for torch imports modules when some names are asked for.
    constant = isinstance(vars(torch).get(last), torch.dtype | torch.qscheme)
    of_torch = module == "torch" and (last.endswith("Storage") or constant)
    if not of_torch and name not in _NAMES:
        raise NeedsMoreError(f"it names `{shown(name)}`")
    return name


def _apply(operation: pickletools.OpcodeInfo, stack: list[Item]) -> None:
    """Do to the stack what an operation does, without making anything."""
    before, name = operation.stack_before, operation.name
    taken: list[Item] = []
    fixed = len(before)
    if pickletools.markobject in before:
        fixed = before.index(pickletools.markobject)
        while (item := stack.pop()) != _MARK:
            taken.append(item)
    taken += [stack.pop() for _ in range(fixed)]
    if _MARK in taken:
        raise BrokenPickleError("its pickle ends or errs")
    if name in {"REDUCE", "NEWOBJ"} and taken[-1] != _NAME:
        raise BrokenPickleError("its pickle calls what is no name")
    item = 0
    if name == "MARK":
        item = _MARK
    elif name.startswith("TUPLE"):
        item = 1 + sum(each for each in taken if each > 0)
    if item > NESTED:
        raise NeedsMoreError(f"it has a tuple of over {NESTED:,} tuples")
    stack += [item] * len(operation.stack_after)
