"""Settings and fixtures that tests share.

HYPOTHESIS_PROFILE chooses how many examples hypothesis draws for a property.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXAMPLES = {"default": 25, "thorough": 1_000, "exhaustive": 10_000}

for name, number in EXAMPLES.items():
    settings.register_profile(
        name,
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
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


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium; tests are skipped where there is none."""
    from support.browser import chromium  # noqa: PLC0415

    with chromium() as found:
        yield found
