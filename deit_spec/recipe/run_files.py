"""What the files of a run and the heads of a student are called, for all rooms."""

from typing import Final

RECIPE: Final = "recipe.yaml"
SPEC: Final = "spec.yaml"
WEIGHTS: Final = "model.safetensors"
"""What a run comes to, as `deit_spec.load` opens it."""
TEACHER: Final = "teacher.safetensors"
"""A teacher that was trained for the run."""
LOCK: Final = ".lock"
"""What a run holds on to while it is under way."""
CLASSES: Final = "classes.json"
"""The names of the classes."""
METRICS: Final = "metrics.jsonl"
SUMMARY: Final = "summary.md"
CURVES: Final = "curves.png"

HEADS: Final = {"cls": "class head", "dist": "distillation head", "fused": "fused"}
"""The heads, and both together, by their keys in what is written for programs."""
