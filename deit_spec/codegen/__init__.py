"""From the graph to Python source that a person would have written."""

from deit_spec.codegen.module import generate

__all__ = ["generate"]
