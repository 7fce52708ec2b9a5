"""From names and shapes to a plan; nothing is read, and no model is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from shlex import quote

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import visible
from deit_spec.graph import LayerGraph
from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.graph_parameters import Target
from deit_spec.weights.identify import (
    HEADS,
    checkpoint_facts,
    name_tensors,
    our_shapes,
    takes_no_part,
)
from deit_spec.weights.inspect_checkpoint import can_be_inspected
from deit_spec.weights.misfits import (
    find_left_over,
    find_misfit,
    find_missing,
    find_types,
    is_weight,
)
from deit_spec.weights.naming_schemes import Names
from deit_spec.weights.plan import (
    Allowance,
    Channels,
    Draw,
    Dropped,
    Join,
    Kind,
    Plan,
    Positions,
    Step,
)
from deit_spec.weights.plan_checks import compare
from deit_spec.weights.shape_info import Facts
from deit_spec.weights.weight_findings import INSPECT, count


def make_plan(
    graph: LayerGraph, checkpoint: Checkpoint, *, antialias: bool = False
) -> Plan:
    """Say for every tensor of a graph and of a checkpoint what becomes of it.

    Where the two do not fit, the plan says so in its diagnostics.

    Raises:
        WeightsError: The checkpoint is of no DeiT.
    """
    names = name_tensors(checkpoint)
    target = Target(graph)
    plan = Plan(graph.name, checkpoint.name, checkpoint.format, names.dialect.title)
    facts = checkpoint_facts(checkpoint, names)
    problems = compare(target, facts, checkpoint, names.dialect)
    if any(problem.code == "DS411" for problem in problems):
        if can_be_inspected(checkpoint, names, facts):
            problems = _with_help(problems, checkpoint.name)
        return replace(plan, diagnostics=tuple(problems))
    return _Planning(target, checkpoint, names, facts, antialias).finish(plan, problems)


def _with_help(problems: list[Diagnostic], name: str) -> list[Diagnostic]:
    """Say at the end of what differs in structure that there is a spec that fits."""
    last = max(i for i, problem in enumerate(problems) if problem.code == "DS411")
    help_ = f"`{INSPECT} {visible(quote(name))}` prints a spec that fits"
    problems[last] = replace(problems[last], helps=(*problems[last].helps, help_))
    return problems


@dataclass(frozen=True)
class _Planning:
    """What every rule needs to know."""

    target: Target
    checkpoint: Checkpoint
    names: Names
    facts: Facts
    antialias: bool

    def finish(self, plan: Plan, problems: list[Diagnostic]) -> Plan:
        """Apply the rules, and report what no rule reconciles."""
        made = {name: self.step(name) for name in self.target.shapes}
        missing = tuple(name for name, step in made.items() if step is None)
        planned = tuple(step for step in made.values() if step)
        misfits = {
            step.name: found
            for step in planned
            for found in find_misfit(step, self.wanted(step), self.checkpoint)
        }
        sources = {name for step in planned for name in step.sources}
        typeless = sorted(
            n for n in sources if not is_weight(self.checkpoint.tensors[n])
        )
        steps = tuple(
            step
            for step in planned
            if step.name not in misfits and not set(step.sources) & set(typeless)
        )
        dropped, left_over = self.others(sources)
        return replace(
            plan,
            steps=steps,
            dropped=dropped,
            missing=missing,
            left_over=left_over,
            diagnostics=(
                *problems,
                *find_missing(missing, self.checkpoint),
                *find_left_over(left_over, self.names.unknown, self.checkpoint),
                *misfits.values(),
                *find_types(typeless, self.checkpoint),
            ),
        )

    @cached_property
    def shapes(self) -> Mapping[str, Sizes]:
        return our_shapes(self.checkpoint, self.names)

    def step(self, name: str) -> Step | None:
        """The step that makes a tensor; None where no rule can."""
        ours, theirs = self.target.facts, self.facts
        if name.startswith(HEADS):
            return self.head(name)
        if name == "dist_token" and not theirs.distillation_token:
            return self.copy(name, "cls_token", "a copy of the class token")
        if name not in self.shapes:
            return None
        if name == "pos_embed" and self.shapes[name] != self.target.shapes[name]:
            return self.positions(name)
        if name == "patch_embed.proj.weight" and (
            ours.in_channels != theirs.in_channels
        ):
            return self.channels(name)
        return self.plain(name)

    def plain(self, name: str) -> Step:
        """Take a tensor as it is, under whatever name."""
        sources = self.names.theirs[name]
        kind, reason = Kind.TAKEN, ""
        if len(sources) > 1:
            kind, reason = Kind.FUSED, "query, key and value in one"
        elif sources[0] != name:
            kind = Kind.RENAMED
        return Step(name, self.target.shapes[name], kind, sources, Join(), reason)

    def positions(self, name: str) -> Step:
        """Fit the position table to the grid and to the tokens before it."""
        ours, theirs = self.target.facts, self.facts
        grid, prefix = (theirs.grid_size, ours.grid_size), (theirs.prefix, ours.prefix)
        needs: set[Allowance] = set()
        kind, reasons = Kind.ADAPTED, []
        if grid[0] != grid[1]:
            needs.add("resample")
            kind = Kind.RESAMPLED
            smooth = ", antialiased" if self.antialias else ""
            old, new = (f"{side}×{side}" for side in grid)
            reasons.append(f"{old} → {new}, bicubic{smooth}")
        reasons += _of_prefix(*prefix)
        if prefix[0] != prefix[1]:
            needs.add("distillation")
        return Step(
            name,
            self.target.shapes[name],
            kind,
            self.names.theirs[name],
            Positions(prefix, grid, self.antialias),
            "; ".join(reasons),
            frozenset(needs),
        )

    def channels(self, name: str) -> Step:
        """Fit the patch projection to the channels of the images."""
        old, new = self.facts.in_channels, self.target.facts.in_channels
        if new == 1:
            rule = "summed"
        elif new < old:
            rule = f"the first {new}, times {old}/{new}"
        else:
            rule = f"repeated in turn, times {old}/{new}"
        return Step(
            name,
            self.target.shapes[name],
            Kind.ADAPTED,
            self.names.theirs[name],
            Channels(new),
            f"{count(old, 'channel')} → {new}, {rule}",
            frozenset({"channels"}),
        )

    def copy(self, name: str, source: str, reason: str) -> Step | None:
        """Begin a tensor of the distillation token with the class token's."""
        if source not in self.shapes:
            return None
        return Step(
            name,
            self.target.shapes[name],
            Kind.CREATED,
            self.names.theirs[source],
            Join(),
            reason,
            frozenset({"distillation"}),
        )

    def head(self, name: str) -> Step | None:
        """Take a head, or make one for other classes."""
        shape = self.target.shapes[name]
        layer, _, part = name.partition(".")
        old, new = self.shapes.get(f"{layer}.weight", (0,))[0], shape[0]
        if old == new:
            return self.plain(name) if name in self.shapes else None
        is_new = not self._has_token(layer)
        if is_new and self.shapes.get(f"head.{part}") == shape:
            return self.copy(name, f"head.{part}", "a copy of the class token's head")
        reason = f"{old} → {new} classes" if old else "the checkpoint has no such head"
        needs: Allowance = "distillation" if is_new else "heads"
        recipe = Draw(self.target.init(name))
        kind = Kind.REINITIALISED
        return Step(name, shape, kind, (), recipe, reason, frozenset({needs}))

    def _has_token(self, layer: str) -> bool:
        """Whether the checkpoint has the token that a head reads."""
        return layer == "head" or self.facts.distillation_token

    def others(self, used: set[str]) -> tuple[tuple[Dropped, ...], tuple[str, ...]]:
        """What no step uses: dropped where a rule says so, else left over."""
        dropped: list[Dropped] = []
        left_over: list[str] = []
        for our, theirs in self.names.theirs.items():
            unused = [n for n in theirs if n in self.checkpoint.tensors.keys() - used]
            if our == "dist_token" or our.startswith(HEADS):
                dropped += [Dropped(their, *self.why(our)) for their in unused]
            else:
                left_over += unused
        for name in self.names.unknown:
            if takes_no_part(name):
                reason = "it takes no part in the output"
                dropped.append(Dropped(name, reason, frozenset({"drop"})))
            else:
                left_over.append(name)
        return tuple(dropped), tuple(left_over)

    def why(self, name: str) -> tuple[str, frozenset[Allowance]]:
        """Why a token or a head is dropped, and what must be allowed."""
        if name in self.target.shapes:
            return "the spec has other classes", frozenset({"heads"})
        if name.startswith("head.") or self.target.facts.distillation_token:
            return "the spec has no such head", frozenset({"heads"})
        return "the spec has no distillation token", frozenset({"distillation"})

    def wanted(self, step: Step) -> Sizes | None:
        """What the sources of a step are together, None where it does not matter."""
        match step.recipe:
            case Join():
                return step.shape
            case Positions((prefix, _), (grid, _)):
                return (1, prefix + grid**2, self.facts.embed_dim)
            case _:
                return None


def _of_prefix(old: int, new: int) -> Iterator[str]:
    """What becomes of the rows before the patches."""
    if new > old:
        yield "the distillation token's position is a copy of the class token's"
    elif new < old:
        yield "the distillation token's position is left out"
    elif new:
        yield f"{count(new, 'prefix token')} kept"
