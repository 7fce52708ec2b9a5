"""Texts from a fuzzer's bytes: the bytes themselves, or lines that look like a spec.

A recipe and a study are other languages of the same form.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deit_spec.recipe.recipe_names import FIELDS, RECIPE
from deit_spec.recipe.study_validation import STUDY
from deit_spec.spec.field_names import SYNONYMS
from deit_spec.spec.schema import TOP, VARIANT
from deit_spec.yaml_source.document import FILE_BYTES

if TYPE_CHECKING:
    from atheris import FuzzedDataProvider

LONGEST_TEXT: Final = FILE_BYTES + 1
ROOT: Final = Path(__file__).parents[2]
ODD_KEYS: Final = ["<<", "? x", "1", "null", "[a]", "{a: b}", "lr", "model", "deit"]
VALUES: Final = [
    "0", "1", "2", "12", "16", "224", "512", "768", "770", "-1", "1000000000", "9" * 99,
    "9" * 101, "1e-6", "1e400", "4.0", "0.1", ".inf", ".nan", "true", "yes", "null",
    "~", "", "cls", "dist", "mean_logits", "mean_tokens", "patches", "fan_in", "'12'",
    '"1e-6"', "[1, 2]", "{a: 1}", "&a 1", "*a", "!!int 3", "!x y", "|\n  text", "- 1",
    "deit_tiny_patch16_224", "/dev/zero", "fuzzed.yaml", "..", "'", '"', "\t", "#",
    "{{ x }}", "{1", "1.000", "2 * 3", "@12", '\\"' * 5000, '"1' + " " * 5000 + '2"',
    "x: y, " * 500, "=======", "// c", "/* c */", "[224, 224]", "none", "hard", "soft",
    "digits", "students/digits.yaml", "digits.yaml", "{teacher: null}", "{}", "[]",
    "[0, 1]", "{none: {teacher: null}, hard: none}", "{loss.kind: soft}", "a.b:c",
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


@dataclass(frozen=True)
class Language:
    """The seeds of fuzzing, as patterns of files, and the keys to make lines of."""

    patterns: tuple[str, ...]
    keys: list[str]

    def seeds(self) -> Iterator[bytes]:
        """The texts that fuzzing starts from."""
        for pattern in self.patterns:
            for path in sorted(ROOT.glob(pattern)):
                yield path.read_bytes()

    def text(self, data: "FuzzedDataProvider") -> bytes:
        """Make a text from fuzzer data: its bytes, or lines, possibly very many."""
        if data.ConsumeBool():
            return bytes(data.ConsumeBytes(data.remaining_bytes()))
        lines = []
        while data.remaining_bytes():
            line = (
                " " * data.ConsumeIntInRange(0, 3)
                + data.PickValueInList(self.keys)
                + data.PickValueInList(GLUE)
                + data.PickValueInList(VALUES)
                + data.PickValueInList(["\n", "\n", "\n", *GLUE])
            )
            number = data.PickValueInList([1] * 20 + [100, 4000])
            # Not longer than a file may be, because memory is measured.
            lines += [line] * min(number, LONGEST_TEXT // len(line) + 1)
        return "".join(lines).encode()[:LONGEST_TEXT]


LANGUAGES: Final = {
    "specs": Language(
        ("specs/*.yaml", "specs/published/*.yaml", "tests/spec/invalid/*.yaml"),
        [*TOP, *VARIANT, *SYNONYMS, *ODD_KEYS],
    ),
    "recipes": Language(
        (
            "recipes/published/*.yaml",
            "recipes/digits.yaml",
            "tests/recipe/invalid/*.yaml",
        ),
        [
            *RECIPE.sections,
            *(field.partition(".")[2] for field in FIELDS),
            *RECIPE.synonyms,
            *ODD_KEYS,
        ],
    ),
    "studies": Language(
        ("recipes/*-study.yaml", "tests/fuzz/studies/*.yaml"),
        [*STUDY.model.model_fields, *STUDY.synonyms, *FIELDS, "hard", *ODD_KEYS],
    ),
}
