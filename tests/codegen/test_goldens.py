"""Generated modules as text. Refresh with `pytest --force-regen` and read the diff."""

import os
import subprocess
import sys
from typing import Any

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

import deit_spec

BASE = {"name": "base", "num_classes": 1000, "teacher_num_classes": 1000}
SMALL = {"embed_dim": 384, "num_heads": 6, "num_classes": 1000}

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "base_train": (BASE, "train"),
    "base_inference": (BASE, "inference"),
    "deit3_regularised": (
        {
            **SMALL,
            "name": "deit3",
            "dropout": 0.1,
            "variant": {
                "distillation_token": False,
                "position_embedding": "patches",
                "layer_scale": 1e-6,
                "drop_path": 0.05,
            },
        },
        "train",
    ),
    "features_fan_in_no_qkv_bias": (
        {"name": "features", "variant": {"init": "fan_in", "qkv_bias": False}},
        "train",
    ),
    "distillation_head_alone_decides": (
        {
            **BASE,
            "name": "dist",
            "teacher_num_classes": 10,
            "variant": {"fusion": "dist"},
        },
        "inference",
    ),
    "mean_of_probabilities": (
        {**BASE, "name": "probable", "variant": {"fusion": "mean_softmax"}},
        "train",
    ),
    "mean_of_tokens": (
        {**SMALL, "name": "mean", "variant": {"readout": "mean_tokens"}},
        "train",
    ),
    "attention_of_both_tokens": (
        {
            **SMALL,
            "name": "rows",
            "teacher_num_classes": 1000,
            "taps": ["blocks.*.attn.weights.cls", "blocks.*.attn.weights.dist"],
        },
        "inference",
    ),
    "taps_of_every_kind": (
        {
            **SMALL,
            "name": "taps",
            "depth": 3,
            "taps": [
                "blocks.0",
                "blocks.*.attn.weights",
                "blocks.1.attn.q",
                "blocks.1.mlp",
                "blocks.1.norm1.patches",
                "blocks.2.patches",
                "norm.patches",
            ],
        },
        "train",
    ),
    "two_blocks_with_drop_path": (
        {**SMALL, "name": "two", "depth": 2, "variant": {"drop_path": 0.2}},
        "train",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_source(case: str, file_regression: FileRegressionFixture) -> None:
    spec, target = CASES[case]
    source = deit_spec.compile(spec, target=target).source
    source = source.replace(deit_spec.__version__, "VERSION")
    file_regression.check(source, basename=case, extension=".py.txt")


def test_bytes_do_not_depend_on_the_process() -> None:
    """Processes with different hash seeds generate the same bytes."""
    command = (
        "import deit_spec, sys;"
        "sys.stdout.write(deit_spec.compile({'variant': {'drop_path': 0.1}}).source)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1


def test_digest_depends_on_values_only() -> None:
    """The name and explicit defaults do not change the digest; a value does."""
    plain = deit_spec.load_spec({"num_classes": 10})
    same = deit_spec.load_spec({"name": "x", "depth": 12, "num_classes": 10})
    other = deit_spec.load_spec({"num_classes": 11})
    assert plain.digest == same.digest != other.digest
