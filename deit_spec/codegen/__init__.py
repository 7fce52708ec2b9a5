"""Generation of readable Python source from the graph."""

from deit_spec.codegen.module import generate

__all__ = ["generate"]
