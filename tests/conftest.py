"""Settings that every test shares."""

import os

# Tests run side by side, so each keeps to one core; before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "thorough", settings.get_profile("default"), max_examples=1000
)
settings.register_profile(
    "exhaustive", settings.get_profile("default"), max_examples=10_000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the digits: 12 steps, trained once for all tests.

    No test may change it; one that does copies the folder first.
    """
    from support.runs import recipe  # noqa: PLC0415

    from deit_spec.distill.training import train  # noqa: PLC0415  -- needs torch

    folder = tmp_path_factory.mktemp("trained")
    train(recipe(folder), folder / "run")
    return folder / "run"
