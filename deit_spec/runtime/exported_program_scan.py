"""Scan exported programs (.pt2) before torch reads them.

`torch.export.load` unpickles objects, loads compiled libraries, looks operators up by
their names, evaluates expressions for sizes and writes names into Python code. A file
of `deit_spec.export` needs little of this: what it needs is listed here, and anything
else is refused.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any, Final

import torch

PROGRAM: Final = "models/model.json"
WEIGHTS: Final = "data/weights/model_weights_config.json"
CONSTANTS: Final = "data/constants/model_constants_config.json"
INPUTS: Final = "data/sample_inputs/model.pt"

_RECORDS: Final = re.compile(
    r"data/weights/weight_\d+|data/constants/tensor_\d+|extra/[\w.-]+|\.data/\w+"
    r"|archive_format|archive_version|byteorder|version"
    f"|{re.escape(PROGRAM)}|{re.escape(WEIGHTS)}|{re.escape(CONSTANTS)}"
    f"|{re.escape(INPUTS)}"
)
_NAME: Final = re.compile(r"[\w.]*")
_OPERATOR: Final = re.compile(
    r"torch\.ops\.aten\.(?!from_file)\w+\.\w+|torch\.sym_\w+"
    r"|_operator\.(?:getitem|add|sub|mul|floordiv|mod|neg|eq|ne|le|lt|ge|gt)"
)
_SYMBOL: Final = r"[su]\d+|Symbol\('[su]\d+'(?:, \w+=True)*\)|(?:Integer\()?-?\d+\)?"
_SIZE: Final = re.compile(rf"(?:(?:Mul|Add)\()?(?:{_SYMBOL})(?:, (?:{_SYMBOL}))*\)?")
_TEXTS: Final = {
    "target": _OPERATOR,
    "as_operator": _OPERATOR,
    "as_string": re.compile("none|tanh"),  # of GELU; others may be names of files
    "expr_str": _SIZE,
    "torch_version": re.compile(r"[\w.+-]*"),
}
"""The texts that a program may have, by their keys; others are names."""
_TREES: Final = (None, "builtins.tuple", "builtins.list", "builtins.dict")
_CONTEXT: Final = re.compile(r'null|\[(?:"[\w.]*"(?:, )?)*\]')


class UnsafeProgramError(Exception):
    """An exported program needs more than is allowed; the text says what."""


def scan(path: Path) -> None:
    """Check that nothing in an archive makes torch execute code.

    Raises:
        UnsafeProgramError: It has something that no file of ours needs.
        BadZipFile, RuntimeError, ValueError, KeyError: It is truncated or damaged.
    """
    with zipfile.ZipFile(path) as archive:
        if wrong := archive.testzip():
            raise zipfile.BadZipFile(f"bad checksum of {wrong}")
    # Read as torch reads it: `zipfile` may find another list of files in the archive.
    reader = torch._C.PyTorchFileReader(str(path))  # noqa: SLF001  -- no public name
    names = reader.get_all_records()
    if len({*names}) != len(names):
        raise UnsafeProgramError("two of its files have the same name")
    for name in names:
        if not _RECORDS.fullmatch(name):
            raise UnsafeProgramError(f"it has the file {name}")
    if reader.get_record_size(INPUTS):
        raise UnsafeProgramError(f"it has a pickle, {INPUTS}")
    for name in (WEIGHTS, CONSTANTS):
        config = json.loads(reader.get_record(name))
        for entry in config["config"].values():
            if entry["use_pickle"]:
                raise UnsafeProgramError(f"it has a pickle, {entry['path_name']}")
            if not re.fullmatch(r"(?:weight|tensor)_\d+", entry["path_name"]):
                raise UnsafeProgramError(f"it names the file {entry['path_name']}")
    _check(json.loads(reader.get_record(PROGRAM)), "")


def _check(value: Any, key: str) -> None:
    """Check a part of the program, which has this key."""
    if isinstance(value, dict):
        for name, part in value.items():
            if not _NAME.fullmatch(name):
                raise UnsafeProgramError(f"it has the key {name!r}")
            if name == "guards_code" and part:
                raise UnsafeProgramError("it has conditions in Python")
            if (key, name) != ("nodes", "metadata"):  # texts that are only shown
                _check(part, name)
    elif isinstance(value, list):
        for part in value:
            _check(part, key)
    elif isinstance(value, str) and key in {"in_spec", "out_spec"}:
        _, tree = json.loads(value)
        _check_tree(tree)
    elif isinstance(value, str) and not _TEXTS.get(key, _NAME).fullmatch(value):
        raise UnsafeProgramError(f"it has {value!r} as {key}")


def _check_tree(tree: Any) -> None:
    """Check the structure of inputs or outputs: tensors in tuples, lists or dicts."""
    kind, context = tree["type"], tree["context"]
    if kind not in _TREES or not _CONTEXT.fullmatch(context or "null"):
        raise UnsafeProgramError(f"it has inputs or outputs of the type {kind!r}")
    for part in tree["children_spec"]:
        _check_tree(part)
