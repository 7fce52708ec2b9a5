"""The weights of classes with different numbers of images, and balanced sampling."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from support.recipes import PLAIN, check_images, write_images

from deit_spec.distill.data import Data, DataError, open_data
from deit_spec.distill.data.class_balance import class_weights
from deit_spec.distill.optional_packages import import_package
from deit_spec.recipe import CheckedRecipe

IMAGES = {"a": 2, "b": 5, "c": 8}


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Three classes with 2, 5 and 8 images, and one of each held out."""
    for name, count in IMAGES.items():
        write_images(tmp_path / "images" / "train", name, count)
    write_images(tmp_path / "images" / "val", "abc", 1)
    return tmp_path


def opened(folder: Path, **sections: dict[str, object]) -> tuple[CheckedRecipe, Data]:
    data = {"folder": "images", **sections.pop("data", {})}
    checked = check_images(folder, data, augmentation=PLAIN, **sections)
    assert checked.recipe is not None, checked.diagnostics
    return checked, open_data(checked)


def test_balanced_weights_are_those_of_scikit_learn(uneven: Path) -> None:
    import_package("sklearn")
    from sklearn.utils import class_weight  # noqa: PLC0415

    checked, data = opened(uneven, loss={"class_weights": "balanced"})
    labels = data.split.train_labels
    assert Counter(labels) == {0: 2, 1: 5, 2: 8}
    expected = class_weight.compute_class_weight(
        "balanced", classes=np.arange(3), y=labels
    )
    found = class_weights(checked, data)
    assert found is not None
    assert found.tolist() == torch.tensor(expected).float().tolist()
    assert found[labels].mean().item() == pytest.approx(1)


def test_weights_by_name(uneven: Path) -> None:
    checked, data = opened(uneven, loss={"class_weights": {"c": 0.5, "a": 3}})
    found = class_weights(checked, data)
    assert found is not None
    assert found.tolist() == [3.0, 1.0, 0.5]
    assert class_weights(*opened(uneven)) is None


def test_a_weight_of_a_class_that_the_opened_data_does_not_have(uneven: Path) -> None:
    """As of a dataset, whose classes are not known before it is opened."""
    checked, data = opened(uneven, loss={"class_weights": {"a": 3}})
    data.split = type(data.split)(**{**vars(data.split), "classes": ("x", "y", "z")})
    with pytest.raises(DataError) as caught:
        class_weights(checked, data)
    (found,) = caught.value.diagnostics
    span, lines = found.primary.span, Path(checked.path or "").read_text().split("\n")
    assert found.code == "DS560"
    assert lines[span.line - 1][span.column - 1 :] == "a: 3"


@pytest.mark.parametrize("repeats", [1, 3])
def test_processes_share_balanced_batches(uneven: Path, repeats: int) -> None:
    """In an epoch of all processes, each class is seen as often as the others."""
    augmentation = {**PLAIN, "repeats": repeats}
    checked = check_images(
        uneven,
        {"folder": "images", "sampling": "balanced"},
        augmentation=augmentation,
        schedule={"batch_size": 6, "steps": 30, "warmup_steps": 1},
    )
    data, again = open_data(checked), open_data(checked)
    whole = [batch.labels for batch in data.train(0, 20)]
    parts = [
        [batch.labels for batch in again.train(5, 20, rank=rank, world=2)]
        for rank in range(2)
    ]
    for batch, first, second in zip(whole[5:], *parts, strict=True):
        assert torch.equal(batch, torch.stack((first, second), 1).flatten())
    for epoch in range(10):
        seen = Counter(torch.cat(whole[2 * epoch : 2 * epoch + 2]).tolist())
        assert max(seen.values()) - min(seen.values()) <= repeats
