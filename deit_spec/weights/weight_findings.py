"""What can be wrong with weights, as findings. A file of weights has no lines."""

import json
from collections.abc import Iterable, Sequence

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.diagnostics.printable import visible

SHOWN = 4
"""How many tensors a message names before it counts the others."""
LONGEST = 80
"""How many characters of a name a message shows."""
REASON = 300
"""How many characters of another library's error a message shows."""

EPS_NOTE = (
    "transformers writes 1e-12 by default; the published models were trained with 1e-6"
)
SAVE_AS_FLOAT = "save the tensors as float32, float16 or bfloat16"
SAVE_UNQUANTISED = "use the checkpoint from which it was made, or dequantise it: "
SAVE_UNQUANTISED += SAVE_AS_FLOAT
SAVE_ARRAYS = "make the model in torch from these arrays, and save `model.state_dict()`"


class WeightsError(DiagnosedError, ValueError):
    """Weights cannot be used as requested. `diagnostics` holds every finding."""

    headline = "the weights cannot be used"


def finding(  # noqa: PLR0913  -- the fields of a diagnostic
    code: str,
    message: str,
    name: str,
    *,
    secondary: Iterable[Label] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> Diagnostic:
    """Make a finding about the file of this name."""
    place = Label(Span.of_file(name))
    return diagnose(code, message, place, secondary=secondary, notes=notes, helps=helps)


def refuse(
    code: str,
    message: str,
    name: str,
    *,
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> WeightsError:
    """Make the error of a single finding."""
    return WeightsError([finding(code, message, name, notes=notes, helps=helps)])


def damaged(name: str, reason: str) -> WeightsError:
    """Make the error for a file that is truncated or damaged."""
    return refuse(
        "DS403",
        f"the file is truncated or damaged: {reason[:REASON]}",
        name,
        helps=["download or copy the file again, and compare its size and checksum"],
    )


def exported(name: str) -> WeightsError:
    """Make the error for an exported file in place of weights."""
    return refuse(
        "DS608",
        "the file is an exported model, whose weights cannot be loaded or trained",
        name,
        notes=["the weights in it may be folded, quantised or incomplete"],
        helps=["use the model from which it was exported"],
    )


def shown(name: str) -> str:
    """A name of a file, a key or a tensor, on one line and not too long."""
    return visible(name if len(name) <= LONGEST else f"{name[:LONGEST]}…")


def written(value: object) -> str:
    """A value of a config as JSON writes it, so that a string has its quotes."""
    return shown(json.dumps(value, ensure_ascii=False))


def some(names: Iterable[str]) -> str:
    """Name the first few, and count the others.

    >>> some("abcdef")
    'a, b, c, d and 2 more'
    """
    found = list(names)
    listed = ", ".join(map(shown, found[:SHOWN]))
    more = len(found) - SHOWN
    return f"{listed} and {more} more" if more > 0 else listed


def help_with_keys(keys: Sequence[str]) -> list[str]:
    """Help to choose one of several state dicts of a file."""
    words = "choose a key with `--key`, or `entry=` in Python:"
    return [f"{words} {some(keys)}"] if keys else []
