"""From names and shapes to a plan; nothing is read, and no model is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from deit_spec.diagnostics import Diagnostic
from deit_spec.graph import LayerGraph
from deit_spec.weights.agree import compare
from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.dialects import Names
from deit_spec.weights.facts import Facts
from deit_spec.weights.identify import checkpoint_facts, name_tensors, our_shapes
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
from deit_spec.weights.problems import INSPECT, count, finding, some
from deit_spec.weights.target import Target

HEADS = ("head.", "head_dist.")


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
        return replace(plan, diagnostics=tuple(problems))
    return _Planning(target, checkpoint, names, facts, antialias).finish(plan, problems)


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
        misfits = {step.name: found for step in planned for found in self.misfit(step)}
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
                *self.find_missing(missing),
                *self.find_left_over(left_over),
                *misfits.values(),
                *self.find_types(typeless),
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
        rule = "summed" if new == 1 else f"repeated in turn, times {old}/{new}"
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
        if layer == "head_dist" and self.shapes.get(f"head.{part}") == shape:
            return self.copy(name, f"head.{part}", "a copy of the class token's head")
        reason = f"{old} → {new} classes" if old else "the checkpoint has no such head"
        needs: Allowance = "heads" if self._has_token(layer) else "distillation"
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
            if any(part.isdigit() for part in name.split(".")):
                left_over.append(name)
            else:
                reason = "no layer of a DeiT"
                dropped.append(Dropped(name, reason, frozenset({"drop"})))
        return tuple(dropped), tuple(left_over)

    def why(self, name: str) -> tuple[str, frozenset[Allowance]]:
        """Why a token or a head is dropped, and what must be allowed."""
        if name in self.target.shapes:
            return "the spec has other classes", frozenset({"heads"})
        if name.startswith("head.") or self.target.facts.distillation_token:
            return "the spec has no such head", frozenset({"heads"})
        return "the spec has no distillation token", frozenset({"distillation"})

    def find_missing(self, missing: tuple[str, ...]) -> Iterator[Diagnostic]:
        if missing:
            yield finding(
                "DS412",
                f"the checkpoint lacks {count(len(missing))} of the model",
                self.checkpoint.name,
                notes=[f"it has no {some(missing)}"],
                helps=[f"`{INSPECT} {self.checkpoint.name}` prints a spec that fits"],
            )

    def find_left_over(self, left_over: tuple[str, ...]) -> Iterator[Diagnostic]:
        if left_over:
            yield finding(
                "DS413",
                f"the model has no place for {count(len(left_over))} of the checkpoint",
                self.checkpoint.name,
                notes=[f"they are {some(left_over)}"],
                helps=[f"`{INSPECT} {self.checkpoint.name}` prints a spec that fits"],
            )

    def misfit(self, step: Step) -> Iterator[Diagnostic]:
        """Sizes and types that no rule expects, as in a file gone wrong."""
        found = _joined([self.checkpoint.shapes[name] for name in step.sources])
        wanted = self.wanted(step)
        if wanted and found != wanted:
            yield finding(
                "DS411",
                f"{step.name} is {list(found)} in the checkpoint, not {list(wanted)}",
                self.checkpoint.name,
            )

    def find_types(self, names: list[str]) -> Iterator[Diagnostic]:
        """Types that no model runs in, such as integers."""
        if names:
            first, *more = names
            kind = str(self.checkpoint.tensors[first].dtype).removeprefix("torch.")
            yield finding(
                "DS407",
                f"{first} is of the type {kind}, which is no weight",
                self.checkpoint.name,
                notes=[f"so are {some(more)}"] if more else [],
                helps=["save the tensors as float32, float16 or bfloat16"],
            )

    def wanted(self, step: Step) -> Sizes | None:
        """What the sources of a step are together, None where it does not matter."""
        match step.recipe:
            case Join():
                return step.shape
            case Positions((prefix, _), (grid, _)):
                return (1, prefix + grid**2, self.facts.embed_dim)
            case _:
                return None


def is_weight(tensor: Tensor) -> bool:
    """Whether a tensor is of a floating type that models run in."""
    return tensor.dtype.is_floating_point and tensor.dtype.itemsize > 1


def _joined(shapes: list[Sizes]) -> Sizes:
    """The shape of tensors one below the other."""
    if len(shapes) <= 1:
        return shapes[0] if shapes else ()
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _of_prefix(old: int, new: int) -> Iterator[str]:
    """What becomes of the rows before the patches."""
    if new > old:
        yield "the distillation token's position is a copy of the class token's"
    elif new < old:
        yield "the distillation token's position is left out"
    elif new:
        yield f"{count(new, 'prefix token')} kept"
