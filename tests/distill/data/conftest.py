"""Folders of images."""

from pathlib import Path

import pytest
from support.recipes import write_images


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three classes of eight images, none held out."""
    write_images(tmp_path / "images", "abc", 8)
    return tmp_path


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """The same, with five held out of each."""
    write_images(tmp_path / "images" / "train", "abc", 8)
    write_images(tmp_path / "images" / "val", "abc", 5)
    return tmp_path
