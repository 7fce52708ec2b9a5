"""Commands on the folders of the fuzzer: whole, and damaged a few times."""

import shutil
from pathlib import Path
from random import Random

import pytest
from fuzz.damage import damage
from fuzz.folders import FOLDERS, answer


@pytest.mark.slow
@pytest.mark.parametrize("kind", FOLDERS)
def test_whole_and_damaged_folders_are_answered(kind: str, tmp_path: Path) -> None:
    make, commands_of = FOLDERS[kind]
    whole, copy = tmp_path / "whole", tmp_path / "copy"
    whole.mkdir()
    make(whole)
    refused = 0
    for command in commands_of(copy):
        shutil.copytree(whole, copy)
        refused += "error" in answer(command)
        shutil.rmtree(copy)
    assert refused < len(commands_of(copy)) / 4
    source, refused = Random(0), 0
    for _ in range(40):
        shutil.copytree(whole, copy)
        damage(copy, source)
        refused += "error" in answer(source.choice(commands_of(copy)))
        shutil.rmtree(copy)
    assert 0 < refused < 40
