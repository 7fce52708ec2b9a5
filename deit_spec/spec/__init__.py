"""The schema, the rules between its fields, and inheritance."""

from deit_spec.spec.check import Checked, check
from deit_spec.spec.inherit import identity, inherited, resolve
from deit_spec.spec.schema import DeiTSpec, Variant, output_size, plain_name

__all__ = [
    "Checked",
    "DeiTSpec",
    "Variant",
    "check",
    "identity",
    "inherited",
    "output_size",
    "plain_name",
    "resolve",
]
