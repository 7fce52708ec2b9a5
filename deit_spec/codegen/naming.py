"""The names and docstrings of the classes of a generated module."""

from deit_spec.graph import Scope

ROLES = {
    "patch_embed": "PatchEmbed",
    "blocks": "Block",
    "attn": "Attention",
    "mlp": "Mlp",
}

DOCSTRINGS = {
    "PatchEmbed": "Splits an image into patches and projects each to a token.",
    "Block": "Pre-norm attention and MLP, each with a residual connection.",
    "Attention": "Multi-head self-attention.",
    "Mlp": "Two linear layers, applied to each token.",
}


def role_of(scope: Scope) -> str:
    """The role of a scope, independent of its structure: `Block`."""
    parts = [part for part in scope.path.split(".") if not part.isdigit()]
    return ROLES.get(parts[-1], parts[-1].title().replace("_", ""))


def name_classes(root: Scope, model: str = "DeiT") -> dict[int, str]:
    """Name each structure, inner ones first.

    The most frequent structure of a role gets the plain name; others are named by their
    position: `FirstBlock`, `LastAttention`, `Block7`.
    """
    counts: dict[str, dict[int, int]] = {}
    examples: dict[int, Scope] = {}
    for scope in root.walk():
        if scope is root or scope.is_sequence:
            continue
        examples.setdefault(scope.structure, scope)
        found = counts.setdefault(role_of(scope), {})
        found[scope.structure] = found.get(scope.structure, 0) + 1
    names: dict[int, str] = {}
    lengths = _sequence_lengths(root)
    for structure, scope in examples.items():
        role = role_of(scope)
        usual = max(counts[role], key=counts[role].__getitem__)
        name = role if structure == usual else _placed(role, scope, lengths)
        names[structure] = _unique(name, set(names.values()))
    names[root.structure] = model
    return names


def _sequence_lengths(root: Scope) -> dict[str, int]:
    return {s.path: len(s.items) for s in root.walk() if s.is_sequence}


def _placed(role: str, scope: Scope, lengths: dict[str, int]) -> str:
    """Name a class by the position of its block."""
    parts = scope.path.split(".")
    for depth, part in enumerate(parts):
        if part.isdigit():
            last = lengths[".".join(parts[:depth])] - 1
            places = {0: f"First{role}", last: f"Last{role}"}
            return places.get(int(part), f"{role}{part}")
    return role


def _unique(name: str, taken: set[str]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name}_{number}"
        number += 1
    return unique
