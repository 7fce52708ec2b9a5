"""Texts from a fuzzer's bytes: the bytes themselves, or lines that look like a spec."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deit_spec.spec.field_names import SYNONYMS
from deit_spec.spec.schema import TOP, VARIANT
from deit_spec.yaml_source.document import FILE_BYTES

if TYPE_CHECKING:
    from atheris import FuzzedDataProvider

LONGEST_TEXT: Final = FILE_BYTES + 1
ROOT: Final = Path(__file__).parents[2]
SEEDS: Final = ("specs/*.yaml", "specs/published/*.yaml", "tests/spec/invalid/*.yaml")
KEYS: Final = [*TOP, *VARIANT, *SYNONYMS, "<<", "? x", "1", "null", "[a]", "{a: b}"]
VALUES: Final = [
    "0", "1", "2", "12", "16", "224", "512", "768", "770", "-1", "1000000000", "9" * 99,
    "9" * 101, "1e-6", "1e400", "4.0", "0.1", ".inf", ".nan", "true", "yes", "null",
    "~", "", "cls", "dist", "mean_logits", "mean_tokens", "patches", "fan_in", "'12'",
    '"1e-6"', "[1, 2]", "{a: 1}", "&a 1", "*a", "!!int 3", "!x y", "|\n  text", "- 1",
    "deit_tiny_patch16_224", "/dev/zero", "fuzzed.yaml", "..", "'", '"', "\t", "#",
    "{{ x }}", "{1", "1.000", "2 * 3", "@12", '\\"' * 5000, '"1' + " " * 5000 + '2"',
    "x: y, " * 500, "=======", "// c", "/* c */",
]  # fmt: skip
GLUE: Final = [
    ": ",
    ":",
    " : ",
    ":\n  ",
    ": # c\n",
    "\r\n",
    "\n",
    ", ",
    "\u2028",
    "---\n",
]


def seeds() -> Iterator[bytes]:
    """The texts that fuzzing starts from."""
    for pattern in SEEDS:
        for path in sorted(ROOT.glob(pattern)):
            yield path.read_bytes()


def text(data: "FuzzedDataProvider") -> bytes:
    """Make a text from fuzzer data: its bytes, or lines, possibly very many."""
    if data.ConsumeBool():
        return bytes(data.ConsumeBytes(data.remaining_bytes()))
    lines = []
    while data.remaining_bytes():
        line = (
            " " * data.ConsumeIntInRange(0, 3)
            + data.PickValueInList(KEYS)
            + data.PickValueInList(GLUE)
            + data.PickValueInList(VALUES)
            + data.PickValueInList(["\n", "\n", "\n", *GLUE])
        )
        number = data.PickValueInList([1] * 20 + [100, 4000])
        # Not longer than a file may be, because memory is measured.
        lines += [line] * min(number, LONGEST_TEXT // len(line) + 1)
    return "".join(lines).encode()[:LONGEST_TEXT]
