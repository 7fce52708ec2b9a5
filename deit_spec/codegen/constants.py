"""The named constants of a generated module."""

from collections.abc import Callable

from deit_spec.graph import LayerGraph
from deit_spec.ops import Dim

SYMBOLS = {
    "P": "PATCHES",
    "N": "TOKENS",
    "R": "READ_TOKENS",
    "C": "DIM",
    "H": "HEADS",
    "D": "HEAD_DIM",
    "M": "MLP_DIM",
    "K": "CLASSES",
    "T": "TEACHER_CLASSES",
}
_MEANINGS = {"MERGED": "by which N falls in a block"}
_LETTERS = {name: symbol for symbol, name in SYMBOLS.items()}

ORDER = (
    "IMAGE_SIZE",
    "PATCH_SIZE",
    "CHANNELS",
    "PATCHES",
    "TOKENS",
    "READ_TOKENS",
    "DIM",
    "DEPTH",
    "HEADS",
    "HEAD_DIM",
    "MLP_DIM",
    "CLASSES",
    "TEACHER_CLASSES",
    "PREFIX_TOKENS",
    "MERGED",
    "NORM_EPS",
    "LAYER_SCALE",
    "DROPOUT",
    "DROP_PATH",
    "INIT_STD",
)


class Constants:
    """Writes numbers as named constants, and records the constants that are used.

    A name has one value. Another value with the same name is written as a literal.
    """

    batch = "images.shape[0]"

    def __init__(self, graph: LayerGraph) -> None:
        self.values: dict[str, float] = {}
        for path in graph.network:
            for dim in graph.shape(path):
                if dim.symbol in SYMBOLS and dim.size is not None:
                    self.dim(dim)

    def number(self, name: str, value: float) -> str:
        """Write a number as a named constant."""
        known = self.values.setdefault(name, value)
        return name if known == value else repr(value)

    def dim(self, dim: Dim) -> str:
        """Write a dimension: `DIM`, `3 * DIM` or a literal."""
        if dim.size is None or dim.symbol not in SYMBOLS:
            return str(dim.size)
        size = dim.size // dim.factor
        name = self.number(SYMBOLS[dim.symbol], size)
        if name == repr(size):
            return str(dim.size)
        return name if dim.factor == 1 else f"{dim.factor} * {name}"

    def render(self) -> str:
        """The section of the module that defines the constants."""
        lines = ["# The letters are used in the shape comments; B is the batch size."]
        names = [name for name in ORDER if name in self.values]
        names += [name for name in self.values if name not in ORDER]
        for name in names:
            meaning = _LETTERS.get(name) or _MEANINGS.get(name)
            comment = f"  # {meaning}" if meaning else ""
            lines.append(f"{name} = {self._formula(name)}{comment}")
        return "\n".join(lines)

    def _formula(self, name: str) -> str:
        """The value as an expression of other constants, if there is one."""
        value = self.values[name]
        derive = _DERIVED.get(name)
        formula = derive(self.values, int(value)) if derive else None
        return formula or repr(value)


def _patches(values: dict[str, float], patches: int) -> str | None:
    image, patch = values.get("IMAGE_SIZE"), values.get("PATCH_SIZE")
    if image and patch and (image // patch) ** 2 == patches:
        return "(IMAGE_SIZE // PATCH_SIZE) ** 2"
    return None


def _tokens(values: dict[str, float], tokens: int) -> str | None:
    more = tokens - int(values.get("PATCHES", tokens))
    return f"PATCHES + {more}" if more > 0 else None


def _head_dim(values: dict[str, float], width: int) -> str | None:
    heads, dim = values.get("HEADS"), values.get("DIM")
    return "DIM // HEADS" if heads and dim and dim // heads == width else None


def _mlp_dim(values: dict[str, float], hidden: int) -> str | None:
    dim = int(values.get("DIM", 0))
    return f"{hidden // dim} * DIM" if dim and hidden % dim == 0 else None


_DERIVED: dict[str, Callable[[dict[str, float], int], str | None]] = {
    "PATCHES": _patches,
    "TOKENS": _tokens,
    "HEAD_DIM": _head_dim,
    "MLP_DIM": _mlp_dim,
}
