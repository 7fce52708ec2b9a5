"""The JSON files of a run or a study, which may be damaged or have another origin.

Lines that do not match their schema are skipped and counted; a whole file is an error.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    TypeAdapter,
    model_validator,
)

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.diagnostics.printable import reason_of
from deit_spec.recipe.run_files import TRACKERS

_CONFIG: Final = ConfigDict(
    strict=True, frozen=True, extra="ignore", allow_inf_nan=False
)
"""A key that is not known is of another version."""
_FLOAT32: Final = 3.4028235e38
"""The largest number of float32, in which losses are computed."""
_SHOWN: Final = 5
"""The number of line numbers that a message lists."""

# The upper bounds are those of what is computed from a number: a plot, a duration.
Step = Annotated[int, Field(ge=0, le=2**53)]
Loss = Annotated[float, Field(ge=-_FLOAT32, le=_FLOAT32)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=1e10)]
Text = InstanceOf[str]
"""A string that may be invalid Unicode, such as the name of a file."""

Record = TypeVar("Record", bound=BaseModel)


class RunFileError(DiagnosedError, ValueError):
    """A file of a run or a study is damaged. `diagnostics` holds the finding."""

    headline = "the folder cannot be used"


class HeadRecord(BaseModel):
    """The scores of a head, as `HeadScores`."""

    model_config = _CONFIG

    top1: Share
    top5: Share
    nll: Loss
    ece: Share


class MetricsLine(BaseModel):
    """A line of `metrics.jsonl`: losses, scores of heads, or unreadable images."""

    model_config = _CONFIG

    step: Step
    seconds: Seconds = 0.0
    loss: Loss | None = None
    labels: Loss | None = None
    teacher: Loss | None = None
    cls: HeadRecord | None = None
    dist: HeadRecord | None = None
    fused: HeadRecord | None = None
    unreadable: Annotated[tuple[Text, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """A line has all three losses or none, and no other head without `cls`."""
        losses = {value is None for value in (self.loss, self.labels, self.teacher)}
        if len(losses) > 1 or (self.cls is None and (self.dist or self.fused)):
            raise ValueError("a part of the line is missing")
        return self


class ResultLine(BaseModel):
    """A line of the `results.jsonl` of a study, as `Result`."""

    model_config = _CONFIG

    key: str
    arm: str
    images: Annotated[int, Field(gt=0, le=2**53)]
    seed: Annotated[int, Field(ge=0)]
    cls: HeadRecord
    dist: HeadRecord | None
    fused: HeadRecord | None
    teacher: HeadRecord | None
    evaluated: Annotated[int, Field(gt=0, le=2**53)]
    seconds: Seconds


@dataclass(frozen=True)
class Lines(Generic[Record]):
    """The lines of a file that have their schema, and the numbers of the others."""

    path: Path
    records: tuple[Record, ...]
    texts: tuple[bytes, ...]
    """Each record as it is written, with its line break."""
    damaged: tuple[int, ...]
    size: int
    """The bytes of all these lines; an incomplete one of a crash may follow."""

    @property
    def warning(self) -> Diagnostic | None:
        """DS553: some lines are damaged; None if all are whole."""
        if not self.damaged:
            return None
        count, total = len(self.damaged), len(self.damaged) + len(self.records)
        were = "was" if count == 1 else "were"
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        numbers = ", ".join(map(str, self.damaged[:_SHOWN]))
        return diagnose(
            "DS553",
            f"{count:,} of {total:,} lines {were} damaged and skipped",
            Label(Span.of_file(self.path)),
            notes=[f"line {numbers}{more}"],
        )


def read_lines(path: Path, schema: type[Record]) -> Lines[Record]:
    """Read the complete lines of a file; none if it does not exist, or an OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    records, texts, damaged = list[Record](), list[bytes](), list[int]()
    size = data.rfind(b"\n") + 1
    lines = data[:size].split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        record = _parsed(line, schema.model_validate)
        if record is None:
            damaged.append(number)
        else:
            records.append(record)
            texts.append(line + b"\n")
    return Lines(path, tuple(records), tuple(texts), tuple(damaged), size)


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the class names in the `classes.json` of a run, or raise a RunFileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise damaged_file(path, reason_of(error)) from None
    names = _parsed(data, _CLASSES.validate_python)
    if names is None:
        raise damaged_file(path, "it is not a list of the names of classes")
    return names


def read_tracker_runs(folder: Path) -> dict[str, str]:
    """Read the runs of trackers of a run folder by tracker, or a RunFileError."""
    path = folder / TRACKERS
    if not path.exists():
        return {}
    runs = _parsed(path.read_bytes(), _TRACKER_RUNS.validate_python)
    if runs is None:
        reason = "it is not a mapping of trackers to runs"
        help_ = "delete the file to log to new runs of the trackers"
        raise damaged_file(path, reason, help_)
    return runs


def damaged_file(path: Path, reason: str, help_: str | None = None) -> RunFileError:
    """DS554: a file of a run or a study is damaged, or is another file."""
    help_ = help_ or "restore the file, or delete it to start the run again"
    message = f"the file is damaged: {reason}"
    place = Label(Span.of_file(path))
    return RunFileError([diagnose("DS554", message, place, helps=[help_])])


_CLASSES: Final[TypeAdapter[tuple[str, ...]]] = TypeAdapter(
    Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
)
_TRACKER_RUNS: Final = TypeAdapter(dict[str, str])
_Any = TypeVar("_Any")


def _parsed(data: bytes, validate: Callable[[Any], _Any]) -> _Any | None:
    """Parse and validate JSON; None if it is invalid."""
    try:
        return validate(json.loads(data))
    except (ValueError, RecursionError):  # also of the text, and of pydantic
        return None
