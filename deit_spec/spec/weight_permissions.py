"""What may be allowed when the weights of a model are loaded into another one."""

from typing import Literal, TypeAlias, get_args

Permission: TypeAlias = Literal["resample", "heads", "channels", "distillation", "drop"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
"""What may be allowed besides taking, renaming and fusing tensors."""
