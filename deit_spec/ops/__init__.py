"""What a layer is: one op a class, one family a file."""

from deit_spec.ops.attention import Attend, MergeHeads, SplitHeads, TakePart
from deit_spec.ops.base import (
    Constant,
    FanInNormal,
    Flow,
    FunctionOp,
    Init,
    ModuleOp,
    Names,
    Op,
    Parameter,
    ParameterOp,
    TorchDefault,
    TruncatedNormal,
)
from deit_spec.ops.dim import (
    BATCH,
    Dim,
    Shape,
    ShapeError,
    elements,
    letters,
    same_sizes,
    show,
)
from deit_spec.ops.fusion import MeanLogits, MeanSoftmax
from deit_spec.ops.linear import Linear, PatchProjection
from deit_spec.ops.norm import LayerNorm, LayerScale
from deit_spec.ops.pointwise import Add, Dropout, DropPath, Gelu
from deit_spec.ops.tokens import (
    ExpandBatch,
    FlattenGrid,
    Images,
    JoinTokens,
    MeanOfTokens,
    ReadToken,
    Table,
)

__all__ = [
    "BATCH",
    "Add",
    "Attend",
    "Constant",
    "Dim",
    "DropPath",
    "Dropout",
    "ExpandBatch",
    "FanInNormal",
    "FlattenGrid",
    "Flow",
    "FunctionOp",
    "Gelu",
    "Images",
    "Init",
    "JoinTokens",
    "LayerNorm",
    "LayerScale",
    "Linear",
    "MeanLogits",
    "MeanOfTokens",
    "MeanSoftmax",
    "MergeHeads",
    "ModuleOp",
    "Names",
    "Op",
    "Parameter",
    "ParameterOp",
    "PatchProjection",
    "ReadToken",
    "Shape",
    "ShapeError",
    "SplitHeads",
    "Table",
    "TakePart",
    "TorchDefault",
    "TruncatedNormal",
    "elements",
    "letters",
    "same_sizes",
    "show",
]
