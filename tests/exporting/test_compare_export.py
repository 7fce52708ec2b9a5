"""The figures of a comparison, and the findings about them."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from deit_spec.diagnostics import Severity
from deit_spec.exporting.compare_export import Comparison, compare
from deit_spec.exporting.export_check import ExportCheck
from deit_spec.model.exported_interface import ExportedInterface, Precision

CLASSES = 6
FILE = Path("model.onnx")
LOGITS = ExportedInterface()
FEATURES = ExportedInterface(output="features")


def logits(images: int = 7, seed: int = 0) -> Tensor:
    return torch.randn(images, CLASSES, generator=torch.Generator().manual_seed(seed))


def batches(outputs: Tensor, size: int = 3) -> Iterator[tuple[list[str], Tensor]]:
    """Images that are the outputs themselves, named by their index."""
    for start in range(0, len(outputs), size):
        batch = outputs[start : start + size]
        yield [str(start + index) for index in range(len(batch))], batch


def compared(
    expected: Tensor,
    exported: Callable[[Tensor], Tensor],
    interface: ExportedInterface = LOGITS,
    size: int = 3,
) -> Comparison:
    return compare(lambda batch: batch, exported, batches(expected, size), interface)


@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 9))
def test_the_figures_are_those_of_their_definition(
    seed: int, images: int, size: int
) -> None:
    expected, other = logits(images, seed), logits(images, seed + 1)
    rows = iter(other.split(size))
    found = compared(expected, lambda _: next(rows), size=size)
    errors = (expected.double() - other.double()).abs() / expected.abs().max()
    assert found.images == images
    assert found.largest_error == pytest.approx(float(errors.max()))
    assert found.mean_error == pytest.approx(float(errors.mean()))
    assert found.worst_image == str(int(errors.amax(dim=1).argmax()))
    assert found.agreeing == int((expected.argmax(1) == other.argmax(1)).sum())


def top_k(k: int) -> ExportedInterface:
    return ExportedInterface(output="topk", k=k)


def spread(probabilities: Tensor, classes: Tensor) -> Tensor:
    """Log-probabilities of which only some classes are known, as of `topk`."""
    known = torch.zeros_like(probabilities).scatter(
        1, classes, probabilities.gather(1, classes)
    )
    others = CLASSES - classes.shape[1]
    share = (1 - known.sum(dim=1, keepdim=True)) / max(others, 1)
    return known.where(known > 0, share).log()


@given(st.integers(0, 99), st.integers(1, CLASSES))
def test_equal_outputs_have_no_error(seed: int, k: int) -> None:
    probabilities = ExportedInterface(output="probabilities")

    def exported(outputs: Tensor) -> Tensor:
        shares = outputs.softmax(dim=1)
        return spread(shares, shares.topk(k, dim=1).indices)

    for found in (
        compared(logits(seed=seed), lambda outputs: outputs),
        compared(logits(seed=seed), lambda x: x.log_softmax(dim=1), probabilities),
        compared(logits(seed=seed), exported, top_k(k)),
    ):
        assert found.largest_error < 1e-6
        assert found.agreement == 1


def test_a_top_k_with_another_class_is_an_error() -> None:
    expected = logits(1)
    order = expected.argsort(dim=1, descending=True)

    def without_the_second(outputs: Tensor) -> Tensor:
        return spread(outputs.softmax(dim=1), order[:, [0, 2]])

    found = compared(expected, without_the_second, top_k(2))
    assert found.agreement == 1
    assert found.largest_error > 0.01


def test_features_of_any_shape_have_no_class() -> None:
    found = compare(
        lambda batch: batch.view(-1, 2, 3),
        lambda batch: batch.view(-1, 2, 3) + 1,
        batches(logits()),
        FEATURES,
    )
    assert found.agreement is None
    assert found.largest_error == pytest.approx(1 / float(logits().abs().max()))


def test_an_output_that_is_not_a_number_does_not_agree() -> None:
    def exported(outputs: Tensor) -> Tensor:
        return outputs.where(outputs != logits()[4, 2], math.nan)

    found = compared(logits(), exported)
    assert (found.worst_image, found.agreeing) == ("4", 6)
    assert found.largest_error == found.mean_error == math.inf


def test_logits_that_are_all_zero_can_be_compared() -> None:
    zeros = torch.zeros(2, CLASSES)
    assert compared(zeros, lambda outputs: outputs).largest_error == 0
    assert compared(zeros, lambda outputs: outputs + 1).largest_error > 1


def test_there_must_be_images_and_outputs_of_the_same_shape() -> None:
    with pytest.raises(ValueError, match="no images"):
        compared(logits(0), lambda outputs: outputs)
    with pytest.raises(ValueError, match=r"are \[3, 1\], not \[3, 6\]"):
        compared(logits(), lambda outputs: outputs[:, :1])


def check_of(
    precision: Precision,
    largest: float,
    agreeing: int | None = 1000,
    *,
    is_random: bool = False,
) -> ExportCheck:
    return ExportCheck(
        Comparison(1000, largest, largest / 9, agreeing, "cats/7.png"),
        "features" if agreeing is None else "logits",
        "1,000 of the 5,000 images in cats",
        is_random=is_random,
        unreadable=(),
        runtime="ONNX Runtime 1.32.0",
        precision=precision,
        computed_in="float32",
    )


@pytest.mark.parametrize(
    ("precision", "largest", "agreeing", "require", "codes"),
    [
        ("fp32", 1e-4, 980, None, []),
        ("fp32", 1.1e-4, 1000, None, ["DS612"]),
        ("fp32", 1.1e-4, 1000, 0.9, ["DS613"]),
        ("fp32", 1e-6, 980, 0.99, ["DS613"]),
        ("int8", 0.2, 990, None, []),
        ("int8", 0.2, 989, None, ["DS612"]),
        ("bf16", 0.2, 989, None, ["DS612"]),
        ("bf16", 0.2, 989, 0.98, []),
        ("int8", 0.2, 989, 0.99, ["DS613"]),
        ("int8", 0.2, None, 0.99, ["DS613"]),
        ("int8", math.inf, 1000, None, ["DS612"]),
        ("fp32", math.inf, 980, 0.99, ["DS613", "DS613"]),
    ],
)
def test_a_file_that_differs_is_a_warning_and_an_error_if_that_is_required(
    precision: Precision,
    largest: float,
    agreeing: int | None,
    require: float | None,
    codes: list[str],
) -> None:
    found = check_of(precision, largest, agreeing).findings(FILE, require)
    assert [each.code for each in found] == codes
    severity = Severity.WARNING if require is None else Severity.ERROR
    assert {each.severity for each in found} <= {severity}


def test_a_finding_has_the_figures_and_how_they_were_made() -> None:
    (found,) = check_of("int8", 0.2, 971).findings(FILE, 0.995)
    assert found.message == (
        "the top-1 class is the same for 971 of 1,000 images, 97.10 %, below 99.5 %"
    )
    assert found.notes[0] == "cats/7.png has the largest error"
    assert "float32" in found.notes[1]
    assert "1,000 of the 5,000 images in cats" in found.notes[1]


def test_a_check_on_random_images_says_that_it_proves_little() -> None:
    assert "prove little" in check_of("fp32", 0.0, is_random=True).lines[-1]
    assert "prove little" not in " ".join(check_of("fp32", 0.0).lines)


def test_json_has_null_for_infinity() -> None:
    values = check_of("fp32", math.inf, None).as_json
    assert values["largest_error"] is values["mean_error"] is None
    assert values["agreement"] is None
    assert (values["images"], values["random"]) == (1000, False)
