"""Damage to files, from a random source: bytes, lines, and values of JSON and YAML."""

import json
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any, Final

ODD: Final = [
    *(None, True, False, 0, 1, -1, 2, 3.5, 1e999, -1e999, 10**30, 10**400, 1e-320),
    *("", "3", "x", "null", "..", "/dev/zero", "\0", "\ud800", "é" * 99, [], {}),
    *([1, 2], ["a"], [[]], {"a": 1}, {"0": "cat"}, [224, 224], "a" * 10_000),
]
"""Values in place of others."""
WORDS: Final = [
    *(b"null", b"1e999", b"NaN", b"-1", b"{}", b"[]", b'"x"', b"\n", b"\0", b"\xff"),
    *(b"[" * 5000, b"9" * 5000, b": ", b"\t", b"#", b"cls", b"0"),
]


def damage(folder: Path, source: Random) -> str:
    """Damage one or two files of a folder, and say what was done."""
    done = []
    for _ in range(source.choice([1, 1, 1, 2])):
        files = sorted(each for each in folder.rglob("*") if each.is_file())
        if not files:
            break
        path = source.choice(files)
        done.append(f"{path.relative_to(folder)}: {_damage_file(path, files, source)}")
    return "; ".join(done)


def _damage_file(path: Path, files: list[Path], source: Random) -> str:
    if source.random() < 0.1:
        return _replace(path, files, source)
    data = path.read_bytes()
    structured = path.suffix in {".json", ".jsonl"} or path.name.endswith("safetensors")
    if structured and source.random() < 0.7:
        changed = _structure(path, data, source)
        if changed is not None:
            path.write_bytes(changed)
            return "a value"
    path.write_bytes(_bytes(data, source))
    return "bytes"


def _replace(path: Path, files: list[Path], source: Random) -> str:
    """Something else in the place of a file."""
    way = source.choice(["nothing", "a folder", "empty", "another"])
    if way == "another":
        shutil.copy(source.choice(files), path.with_name("swap"))
        path.with_name("swap").replace(path)
        return way
    path.unlink()
    if way == "a folder":
        path.mkdir()
    elif way == "empty":
        path.touch()
    return way


def _bytes(data: bytes, source: Random) -> bytes:
    """The bytes of a file with a part changed."""
    at = source.randrange(min(len(data), source.choice([64, 4096, len(data) or 1])) + 1)
    end = min(at + source.choice([0, 1, 4, 64]), len(data))
    way = source.choice(["cut", "flip", "word", "noise", "lines"])
    if way == "cut":
        return data[:at]
    if way == "flip" and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << source.randrange(8)]) + data[at + 1 :]
    if way == "noise":
        return data[:at] + source.randbytes(source.choice([1, 8, 64])) + data[end:]
    if way == "lines":
        lines = data.splitlines(keepends=True)
        source.shuffle(lines)
        return b"".join(lines[: source.randrange(len(lines) + 1)])
    # The value of a key, in YAML and JSON alike.
    values = [*re.finditer(rb"(?<=: )[^\s,}]+", data[:20_000])]
    if values and source.random() < 0.7:
        at, end = source.choice(values).span()
    return data[:at] + source.choice(WORDS) + data[end:]


def _structure(path: Path, data: bytes, source: Random) -> bytes | None:
    """A file of JSON with another value somewhere; None if it is not JSON."""
    start, end = 0, len(data)
    if path.name.endswith("safetensors"):
        start = 8
        end = 8 + int.from_bytes(data[:8], "little")
    elif path.suffix == ".jsonl":
        lines = [0, *(found.end() for found in re.finditer(rb"\n", data))]
        place = source.randrange(max(1, len(lines) - 1))
        start, end = lines[place], (lines[place + 1 :] or [len(data)])[0]
    try:
        changed = json.dumps(_changed(json.loads(data[start:end]), source)).encode()
    except (ValueError, RecursionError, OverflowError):
        return None
    if path.name.endswith("safetensors"):
        return len(changed).to_bytes(8, "little") + changed + data[end:]
    return (
        data[:start]
        + changed
        + (b"\n" if path.suffix == ".jsonl" else b"")
        + data[end:]
    )


def _changed(value: Any, source: Random) -> Any:
    """A value with one part removed, added or replaced."""
    if isinstance(value, dict) and value and source.random() < 0.9:
        key = source.choice(sorted(value))
        way = source.random()
        if way < 0.1:
            return {name: each for name, each in value.items() if name != key}
        if way < 0.2:
            other = source.choice([*sorted(value), "x", ""])
            return {**value, other: value[key]}
        return {**value, key: _changed(value[key], source)}
    if isinstance(value, list) and value and source.random() < 0.7:
        place = source.randrange(len(value))
        kept = [_changed(value[place], source)] if source.random() < 0.8 else []
        return [*value[:place], *kept, *value[place + 1 :]]
    return source.choice(ODD)
