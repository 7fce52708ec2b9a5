"""Read the metadata of an exported file: ONNX, OpenVINO or .pt2, without its library.

Nothing in the file is executed, and no weights are read.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from xml.etree import ElementTree as ET

from deit_spec.model.exported_interface import PREFIX

MOST_BYTES: Final = 10_000_000
"""The maximum size of an entry of the metadata."""
_EXTRA: Final = re.compile(rf"[^/]+/extra/({re.escape(PREFIX)}\w+)")
"""A record of metadata in the archive of a .pt2."""

_GRAPH, _OPSET, _METADATA = 7, 8, 14
"""The numbers of fields of `ModelProto` in onnx.proto."""
_KEY, _VALUE, _DOMAIN, _VERSION = 1, 2, 1, 2
"""Those of an entry of the metadata, and of an operator set."""
_FIXED_BYTES: Final = {1: 8, 5: 4}
"""The bytes of a number, by its wire type in protobuf."""


class Metadata(NamedTuple):
    """The format of a file, such as `ONNX, opset 23`, and its metadata."""

    format: str
    values: dict[str, str]


class DamagedFileError(Exception):
    """A file is truncated, damaged or of another format; the text says why."""


def read_metadata(path: Path) -> Metadata:
    """Read the metadata of a file in the format of its extension.

    Raises:
        DamagedFileError: It is not such a file, or truncated or damaged.
        OSError: It cannot be read.
    """
    read = {".onnx": _read_onnx, ".xml": _read_openvino}
    return read.get(path.suffix.lower(), _read_program)(path)


def _read_onnx(path: Path) -> Metadata:
    metadata, opset, has_graph = dict[str, str](), 0, False
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            for number, value in _fields(file, size, {_OPSET, _METADATA}):
                has_graph |= number == _GRAPH
                entry = {} if isinstance(value, int) else dict(_entries(value))
                if number == _METADATA:
                    metadata[_text(entry[_KEY])] = _text(entry.get(_VALUE, b""))
                elif number == _OPSET and not entry.get(_DOMAIN):
                    opset = int(entry[_VERSION])
    except (EOFError, KeyError, TypeError, UnicodeDecodeError):
        has_graph = False
    if not has_graph:
        raise DamagedFileError("it is truncated, or not an ONNX file")
    return Metadata(f"ONNX, opset {opset}", metadata)


def _entries(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in memory."""
    return _fields(io.BytesIO(message), len(message), None)


def _fields(
    file: BinaryIO, size: int, wanted: set[int] | None
) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message of this size: number and value.

    The bytes of fields that are not wanted are skipped, and empty.

    Raises:
        EOFError: The message is truncated, or not one.
    """
    while file.tell() < size:
        number, wire_type = divmod(_varint(file), 8)
        if wire_type == 0:
            yield number, _varint(file)
            continue
        length = _FIXED_BYTES.get(wire_type)
        if wire_type == 2:  # noqa: PLR2004  -- bytes, text or a message
            length = _varint(file)
        if length is None or file.tell() + length > size:
            raise EOFError
        if wanted is not None and number not in wanted:
            file.seek(length, io.SEEK_CUR)
            yield number, b""
        elif length > MOST_BYTES:
            raise EOFError
        else:
            yield number, file.read(length)


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:  # noqa: PLR2004  -- the last byte has no such bit
            return value
    raise EOFError


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise TypeError(value)
    return value.decode()


def _read_openvino(path: Path) -> Metadata:
    try:
        # Expat limits how much its entities expand.
        root = ET.parse(path).getroot()  # noqa: S314
    except (ET.ParseError, ValueError) as error:
        raise DamagedFileError(f"it is not valid XML: {error}") from None
    if root.tag != "net":
        message = f"its root is <{root.tag}>, not the <net> of OpenVINO"
        raise DamagedFileError(message)
    entries = root.find(f"rt_info/{PREFIX.rstrip('.')}")
    metadata = {
        f"{PREFIX}{each.tag}": each.get("value", "")
        for each in (() if entries is None else entries)
    }
    weights = path.with_suffix(".bin")
    if metadata and not weights.is_file():
        raise DamagedFileError(f"its weights, {weights.name}, are missing beside it")
    return Metadata(f"OpenVINO IR {root.get('version')}", metadata)


def _read_program(path: Path) -> Metadata:
    try:
        with zipfile.ZipFile(path) as archive:
            found = {
                match[1]: each
                for each in archive.infolist()
                if (match := _EXTRA.fullmatch(each.filename))
            }
            if any(each.file_size > MOST_BYTES for each in found.values()):
                limit = f"{MOST_BYTES:,} bytes"
                raise DamagedFileError(f"its metadata has more than {limit}")
            metadata = {key: archive.read(each).decode() for key, each in found.items()}
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise DamagedFileError(str(error).lower()) from None
    return Metadata("exported program of torch", metadata)
