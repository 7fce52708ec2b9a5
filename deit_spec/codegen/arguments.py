"""The constructor arguments: numbers that differ between instances of a class."""

from dataclasses import dataclass

from deit_spec.graph import LayerGraph, Scope
from deit_spec.ops import Dim, Names


@dataclass(frozen=True)
class Argument:
    """A constructor argument, and the columns of `Scope.values` that it stands for."""

    name: str
    columns: tuple[int, ...]
    type: str


@dataclass(frozen=True)
class Lifted:
    """Writes numbers as `names` does, but arguments by their name."""

    names: Names
    arguments: dict[str, str]

    @property
    def batch(self) -> str:
        """The expression for the batch size."""
        return self.names.batch

    def dim(self, dim: Dim) -> str:
        """Write a dimension."""
        return self.names.dim(dim)

    def number(self, name: str, value: float) -> str:
        """Write a number, as an argument if there is one."""
        return self.arguments.get(name) or self.names.number(name, value)


def find_arguments(graph: LayerGraph, root: Scope) -> dict[int, tuple[Argument, ...]]:
    """The arguments of each structure's class.

    Columns that are equal in every instance share an argument; a column with a single
    value needs none.
    """
    instances: dict[int, list[Scope]] = {}
    for scope in root.walk():
        instances.setdefault(scope.structure, []).append(scope)
    found = {}
    for structure, scopes in instances.items():
        columns: dict[tuple[str, tuple[float, ...]], list[int]] = {}
        labels = value_names(graph, scopes[0])
        for index, values in enumerate(zip(*(s.values for s in scopes), strict=True)):
            if len(set(values)) > 1:
                columns.setdefault((labels[index], values), []).append(index)
        found[structure] = _named(columns)
    return found


def value_names(graph: LayerGraph, scope: Scope) -> list[str]:
    """The argument names of a scope's values, column by column."""
    labels: list[str] = []
    for item in scope.items.values():
        if isinstance(item, str):
            labels.extend(name for _, name in graph.op(item).lifted)
        elif not item.is_sequence:
            labels.extend(value_names(graph, item))
    return labels


def _named(
    columns: dict[tuple[str, tuple[float, ...]], list[int]],
) -> tuple[Argument, ...]:
    arguments: list[Argument] = []
    taken = [name for name, _ in columns]
    for (name, values), indices in columns.items():
        again = sum(argument.name.startswith(name) for argument in arguments)
        unique = f"{name}{again + 1}" if taken.count(name) > 1 else name
        type_ = "int" if all(isinstance(value, int) for value in values) else "float"
        arguments.append(Argument(unique, tuple(indices), type_))
    return tuple(arguments)
