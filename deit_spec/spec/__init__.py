"""The schema, the rules between its fields, and inheritance."""

from deit_spec.spec.check import Checked, check
from deit_spec.spec.inherit import inherited, resolve
from deit_spec.spec.origin import Origin, at, locate
from deit_spec.spec.schema import DeiTSpec, Variant, output_size, plain_name

__all__ = [
    "Checked",
    "DeiTSpec",
    "Origin",
    "Variant",
    "at",
    "check",
    "inherited",
    "locate",
    "output_size",
    "plain_name",
    "resolve",
]
