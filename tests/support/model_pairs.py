"""Pairs of models that tests compare."""

from pathlib import Path

from support.commands import ROOT

TINY = "specs/tiny.yaml"
LARGE = "deit3_large_patch16_224"
PAIRS = {
    "larger_images": ("deit_base_patch16_224", "deit_base_patch16_384"),
    "deit3": ("deit_base_patch16_224", "deit3_base_patch16_224"),
    "deeper": ("shallow.yaml", LARGE),
    "reordered": (TINY, "reordered.yaml"),
}
_SPECS = {
    "shallow.yaml": f"extends: {LARGE}\ndepth: 12\n",
    "reordered.yaml": """\
name: digits
variant: {init: fan_in}
teacher_num_classes: 10
num_classes: 10
mlp_ratio: 4
embed_dim: 48
depth: 3
num_heads: 4
patch_size: 2
image_size: 8
in_channels: 1
""",
}


def write_specs(folder: Path) -> None:
    """Write the specs of the pairs that are not published."""
    (folder / "specs").mkdir()
    (folder / TINY).write_bytes((ROOT / TINY).read_bytes())
    for name, text in _SPECS.items():
        (folder / name).write_text(text)
