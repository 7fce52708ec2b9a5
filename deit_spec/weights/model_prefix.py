"""Find the models of a state dict: the prefixes of the names of their tensors."""

from collections import Counter
from collections.abc import Iterable, Iterator

from deit_spec.weights.naming_schemes import SCHEMES, pattern_of, recognise

_MARKS = ("patch_embed.proj.weight", "cls_token", "pos_embed", "blocks.0.norm1.weight")
"""What every DeiT has, one tensor of each part; the first one finds the prefix."""
_MARKS_BY_SCHEME = tuple(
    tuple(name for mark in _MARKS for name in scheme.write(mark)) for scheme in SCHEMES
)
_SCHEMES_BY_PATTERN = {
    their: tuple(scheme.name for scheme in SCHEMES if their in scheme.ours)
    for each in SCHEMES
    for their in each.ours
}
MOST_MODELS = 8
"""The number of incomplete models to consider before names count as coincidence."""
_MOST_PARTS = max(pattern.count(".") for pattern in _SCHEMES_BY_PATTERN) + 1


def find_models(names: Iterable[str]) -> list[str]:
    """The prefix of each complete model that is not a part of another, in O(names)."""
    listed = set(names)
    complete = set()
    for projection, *others in _MARKS_BY_SCHEME:
        for name in listed:
            prefix = name.removesuffix(projection)
            matches = f".{name}".endswith(f".{projection}")
            if matches and listed.issuperset(prefix + other for other in others):
                complete.add(prefix)
    return list(_outermost(complete))


def find_incomplete_models(names: Iterable[str]) -> list[str]:
    """The prefixes after which the most names are those of a DeiT, in O(names)."""
    listed = list(names)
    counts: Counter[tuple[str, str]] = Counter()
    for name in listed:
        for prefix, rest in _splits(name):
            known = _SCHEMES_BY_PATTERN.get(pattern_of(rest)[0], ())
            counts.update((scheme, prefix) for scheme in known)
    most = max(counts.values(), default=0)
    best = {prefix for (_, prefix), count in counts.items() if count == most}
    outermost = [*_outermost(best)]
    if len(outermost) > MOST_MODELS:
        return []
    rests = {
        each: [name.removeprefix(each) for name in listed if name.startswith(each)]
        for each in outermost
    }
    return [each for each, rest in rests.items() if recognise(rest)]


def _outermost(prefixes: Iterable[str]) -> Iterator[str]:
    last: str | None = None
    for prefix in sorted(prefixes):
        if last is None or not prefix.startswith(last):
            last = prefix
            yield prefix


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Split a name into a prefix, which ends with a dot, and one of our length."""
    parts = name.rsplit(".", _MOST_PARTS)
    start = 0 if len(parts) <= _MOST_PARTS else len(parts[0]) + 1
    for part in parts[-_MOST_PARTS:]:
        yield name[:start], name[start:]
        start += len(part) + 1
