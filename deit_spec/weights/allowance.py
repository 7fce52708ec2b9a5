"""What may be done to weights beyond taking, renaming and fusing them."""

from collections.abc import Collection, Iterator

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.plan import ALLOWANCES, Allowance, Plan
from deit_spec.weights.weight_findings import WeightsError, count, finding, some


def allowed(
    *, strict: bool = True, allow: Collection[str] | None = None
) -> frozenset[Allowance]:
    """What `strict` and `allow` allow: `allow`, where it is given, decides alone.

    >>> sorted(allowed(strict=False, allow={"heads"}))
    ['heads']

    Raises:
        ValueError: A word of `allow` is unknown.
    """
    if allow is None:
        return frozenset() if strict else frozenset(ALLOWANCES)
    words = {allow} if isinstance(allow, str) else set(allow)
    if unknown := sorted(words.difference(ALLOWANCES)):
        raise ValueError(f"allow takes {', '.join(ALLOWANCES)}, not {unknown[0]!r}")
    return frozenset(word for word in ALLOWANCES if word in words)


def find_forbidden(plan: Plan, permitted: frozenset[Allowance]) -> list[Diagnostic]:
    """DS414: what a plan would need, beyond what is allowed."""
    return [
        finding(
            "DS414",
            f"{count(len(names))} would need `{need}`, which is not allowed",
            plan.checkpoint,
            notes=[f"for {some(names)}"],
            helps=_ways(need, alone=not plan.reconciles),
        )
        for need in sorted(plan.needs - permitted)
        if (names := plan.needing(need))
    ]


def _ways(need: Allowance, *, alone: bool) -> Iterator[str]:
    """How something is allowed; all at once where nothing else is in the way."""
    command, python = f"`--allow {need}`", f'in Python `allow={{"{need}"}}`'
    yield command if alone else f"{command}, or `--no-strict` for all that is needed"
    yield python if alone else f"{python}, or `strict=False`"


def require(plan: Plan, permitted: frozenset[Allowance]) -> None:
    """See that a plan can be executed with what is allowed.

    Raises:
        WeightsError: It cannot; each reason is a finding.
    """
    problems = [] if plan.reconciles else [*plan.diagnostics]
    problems += find_forbidden(plan, permitted)
    if problems:
        raise WeightsError(problems)


__all__ = ["ALLOWANCES", "Allowance", "allowed", "find_forbidden", "require"]
