"""Parse a figure: its shapes, its numbers and its lines."""

import re

from rich.text import Text

SHAPE = re.compile(r"\[[^\[\]…]*\]")
ARMS = {
    "up": set("│╰╯├┤┴┼╎"),
    "down": set("│╭╮├┤┬┼╎"),
    "left": set("─╮╯┤┬┴┼╌"),
    "right": set("─╭╰├┬┴┼╌"),
}
OTHER = {"up": "down", "down": "up", "left": "right", "right": "left"}
STEP = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def shapes_in(figure: str) -> set[str]:
    return set(SHAPE.findall(figure))


def loose_ends(figure: str) -> list[str]:
    """Find line ends that meet no other line, text or arrow."""
    body = figure.split("\n")[2:]
    rule = next(y for y, line in enumerate(body) if line.startswith("────"))
    rows = body[:rule]
    found = []
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            for arm, characters in ARMS.items():
                if character in characters and not _meets(rows, y, x, arm):
                    found.append(f"{y + 3}:{x + 1} {character} {arm}")
    return found


def _meets(rows: list[str], y: int, x: int, arm: str) -> bool:
    down, right = STEP[arm]
    y, x = y + down, x + right
    if not (0 <= y < len(rows) and 0 <= x < len(rows[y])):
        return False
    there = rows[y][x]
    if any(there in characters for characters in ARMS.values()):
        return there in ARMS[OTHER[arm]]
    return there != " " or (arm in {"left", "right"} and _captioned(rows[y], x))


def _captioned(row: str, x: int) -> bool:
    """Whether a blank is the margin of a caption in the border of a box."""
    return row[x - 1 : x].strip() != "" and row[x + 1 : x + 2].strip() != ""


def numbers(figure: Text) -> tuple[int, int]:
    """The sum of the exact parameters of the stages, and their total."""
    text = figure.plain
    column = text.index("parameters") + len("parameters")
    found = {"green": 0, "bold green": 0}
    for span in figure.spans:
        if str(span.style) in found:
            line = text.rfind("\n", 0, span.start) + 1
            exact = text[span.start : line + column].strip().replace(",", "")
            found[str(span.style)] += int(exact) if exact.isdigit() else 0
    return found["green"], found["bold green"]
