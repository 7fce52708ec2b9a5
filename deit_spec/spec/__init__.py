"""The schema, the rules between its fields, and inheritance."""

from deit_spec.spec.check import Checked, check
from deit_spec.spec.inherit import resolve
from deit_spec.spec.schema import DeiTSpec, Variant, output_size

__all__ = ["Checked", "DeiTSpec", "Variant", "check", "output_size", "resolve"]
