"""Which parameters of a student a recipe trains, by their names in the state dict.

A pattern names a parameter or a part of the model by its path: `pos_embed`,
`patch_embed`, `blocks.3.attn`. `*` matches any text between two dots, and `0-8` the
numbers from 0 to 8.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.spec.nearest import all_of, closest_word

DISTILLATION_HEAD: Final = "head_dist"
HEADS: Final = ("head", DISTILLATION_HEAD)
TRAINED: Final = {
    "all": ("*",),
    "attention": ("blocks.*.attn", "pos_embed", *HEADS),
    "heads": HEADS,
}
"""The patterns of what each value of `student.train` trains."""
_RANGE: Final = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def trained_names(names: Iterable[str], recipe: Recipe) -> list[str]:
    """Return the names of the parameters that a recipe trains.

    They are those that `student.train` selects, without those that match a pattern of
    `student.freeze`. A distillation head without a teacher is not trained.
    """
    student = recipe.student
    frozen = [*student.freeze]
    if recipe.loss.kind == "none":
        frozen.append(DISTILLATION_HEAD)
    selected = matching(names, TRAINED[student.train])
    without = set(matching(selected, frozen))
    return [name for name in selected if name not in without]


def matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return the names that match a pattern, or are below a path that matches one."""
    tests = [_tests(pattern) for pattern in patterns]
    return [name for name in names if any(_matches(name, each) for each in tests)]


def suggest(pattern: str, names: Iterable[str]) -> str:
    """Propose patterns in place of one that matches no name."""
    parts, known, depth = pattern.split("."), [name.split(".") for name in names], 0
    for test in _tests(pattern):
        left = [each for each in known if each[depth:] and test(each[depth])]
        if not left:
            break
        known, depth = left, depth + 1
    following = list(dict.fromkeys(each[depth] for each in known if each[depth:]))
    before = ".".join(parts[:depth])
    if not following:
        return f"`{before}` is a parameter"
    if following[0].isdecimal():
        return f"`{before}` has the parts `{following[0]}` to `{following[-1]}`"
    if near := closest_word(parts[depth], following):
        meant = ".".join([*parts[:depth], near, *parts[depth + 1 :]])
        return f"did you mean `{meant}`?"
    where = f"`{before}`" if before else "the student"
    return f"{where} has the parts {all_of(f'`{each}`' for each in following)}"


Test: TypeAlias = Callable[[str], object]
"""Whether a part of a name matches a part of a pattern."""


def _matches(name: str, tests: Sequence[Test]) -> bool:
    parts = name.split(".")
    return len(tests) <= len(parts) and all(
        test(part) for test, part in zip(tests, parts, strict=False)
    )


def _tests(pattern: str) -> list[Test]:
    return [_test(part) for part in pattern.split(".")]


def _test(part: str) -> Test:
    if found := _RANGE.fullmatch(part):
        first, last = map(int, found.groups())
        return lambda text: text.isdecimal() and first <= int(text) <= last
    return re.compile(re.escape(part).replace(r"\*", ".*")).fullmatch
