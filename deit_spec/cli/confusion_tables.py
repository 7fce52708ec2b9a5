"""The tables and the JSON of a confusion matrix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deit_spec.diagnostics.printable import shortened, visible

if TYPE_CHECKING:
    from rich.table import Table

    from deit_spec.distill.confusion_matrix import ConfusionMatrix

_WHOLE = 20
"""The largest number of classes for which the whole matrix is printed."""
_ROWS = 10
"""The number of classes, and of pairs of them, that are printed if there are more."""
_LENGTH = 30
"""The number of characters of a class name."""
_NARROW = 4
"""The largest number of characters of class names that are titles of columns."""


def confusion_tables(
    matrix: "ConfusionMatrix", names: Sequence[str], width: int | None
) -> "list[Table]":
    """The whole matrix, or of many classes the worst and the most confused ones.

    `width` is the number of columns of the terminal; a wider matrix is not printed
    whole.
    """
    from deit_spec.cli.tables import width_of

    names = [shortened(visible(name), _LENGTH) for name in names]
    if len(names) <= _WHOLE:
        table = _matrix_table(matrix, names)
        if width is None or width_of(table) <= width:
            return [table]
    return [_worst_classes(matrix, names), _most_confused(matrix, names)]


def lines_below(matrix: "ConfusionMatrix", tables: int, head: str) -> list[str]:
    """What is printed below the tables of a head."""
    classes = matrix.by_class()
    absent = sum(not each.images for each in classes)
    balanced = f"balanced accuracy ({head}): {100 * matrix.balanced_accuracy():.2f} %"
    of_all = f" with images, of {len(classes):,}" if absent else ""
    lines = [f"{balanced}, the mean over {len(classes) - absent:,} classes{of_all}"]
    if tables == 1:
        lines.append("confusion matrix: the images of each class, by predicted class")
    return lines


def confusion_json(
    matrix: "ConfusionMatrix", names: Sequence[str], head: str
) -> dict[str, Any]:
    """The matrix, and for each class its name, counts and accuracy."""
    classes = [
        {
            "class": index,
            "label": names[index],
            "images": counts.images,
            "predicted": counts.predicted,
            "correct": counts.correct,
            "accuracy": counts.accuracy,
        }
        for index, counts in enumerate(matrix.by_class())
    ]
    return {
        "head": head,
        "balanced_accuracy": matrix.balanced_accuracy(),
        "classes": classes,
        "matrix": matrix.counts.tolist(),
    }


def _matrix_table(matrix: "ConfusionMatrix", names: Sequence[str]) -> "Table":
    from deit_spec.cli.tables import table_of

    columns, titles = list(names), list(names)
    if max(map(len, names)) > _NARROW:
        columns = [str(index) for index in range(len(names))]
        titles = [f"{index} {name}" for index, name in enumerate(names)]
    rows = []
    for title, counts, row in zip(
        titles, matrix.by_class(), matrix.counts.tolist(), strict=True
    ):
        cells = [str(number) if number else "." for number in row]
        rows.append([title, f"{counts.images:,}", _percent(counts.accuracy), *cells])
    return table_of(["class", "images", "acc. %", *columns], rows)


def _worst_classes(matrix: "ConfusionMatrix", names: Sequence[str]) -> "Table":
    from deit_spec.cli.tables import table_of

    classes, rows = matrix.by_class(), list[list[str]]()
    mistakes: dict[int, str] = {}
    for each in matrix.most_confused():
        mistakes.setdefault(each.label, f"{names[each.predicted]} ({each.images:,})")
    for index in matrix.worst_classes()[:_ROWS]:
        counts = classes[index]
        cells = (names[index], f"{counts.images:,}", _percent(counts.accuracy))
        rows.append([*cells, mistakes.get(index, "-")])
    common = "most common mistake"
    head = ["lowest accuracy", "images", "acc. %", common]
    return table_of(head, rows, left=[common])


def _most_confused(matrix: "ConfusionMatrix", names: Sequence[str]) -> "Table":
    from deit_spec.cli.tables import table_of

    classes = matrix.by_class()
    rows = [
        [
            names[each.label],
            names[each.predicted],
            f"{each.images:,}",
            _percent(each.images / classes[each.label].images),
        ]
        for each in matrix.most_confused()[:_ROWS]
    ]
    head = ["most confused", "predicted as", "images", "% of class"]
    return table_of(head, rows, left=["predicted as"])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
