"""Make a plan from names and shapes; no tensor is read and no model is built."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import counted, visible
from deit_spec.graph import LayerGraph
from deit_spec.spec.weight_permissions import Permission
from deit_spec.weights import plan as plans
from deit_spec.weights import shape_info, weight_findings
from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.model_config import (
    ModelConfig,
    compare_config,
    find_beyond,
    read_config,
)
from deit_spec.weights.model_prefix import find_models
from deit_spec.weights.naming_schemes import HEADS, NO_EFFECT
from deit_spec.weights.plan import Dropped, Kind, Plan, Step, Transform
from deit_spec.weights.shape_info import GraphParameters, ShapeInfo
from deit_spec.weights.weight_findings import (
    WeightsError,
    finding,
    help_with_keys,
    shown,
    some,
)
from deit_spec.yaml_source.scalars import value_text

DROP: frozenset[Permission] = frozenset({"drop"})
STRUCTURE = (
    "embed_dim",
    "depth",
    "patch_size",
    "mlp_ratio",
    "variant.position_embedding",
    "variant.layer_scale",
    "variant.qkv_bias",
)
"""The fields that nothing can change: checkpoint and spec must agree on them."""


def make_plan(
    graph: LayerGraph,
    checkpoint: Checkpoint,
    *,
    antialias: bool = False,
    sides: tuple[str, str] = ("the checkpoint", "the spec"),
) -> Plan:
    """Decide what becomes of every tensor of a graph and of a checkpoint.

    What does not fit is in the diagnostics of the plan. `antialias` smooths positions
    on a smaller grid; `sides` are what messages about the structure call the checkpoint
    and the graph. Raises WeightsError if the checkpoint is not of a DeiT.
    """
    model = GraphParameters(graph)
    theirs, found = describe(checkpoint)
    scheme = checkpoint.names.scheme
    plan = Plan(graph.name, checkpoint.name, checkpoint.format, scheme.title)
    config = compare_config(found, model, theirs, checkpoint.name)
    if structure := list(_compare_structure(model, theirs, checkpoint, sides)):
        command = f"deit-spec weights inspect {visible(quote(checkpoint.name))}"
        help_ = f"`{command}` prints the spec of the checkpoint"
        structure[-1] = replace(structure[-1], helps=(help_,))
        return replace(plan, diagnostics=(*structure, *config))
    shapes = shape_info.our_shapes(checkpoint)
    rules = _Rules(model, checkpoint, theirs, shapes, antialias)
    return rules.finish(plan, [*config])


def describe(checkpoint: Checkpoint) -> tuple[ShapeInfo, ModelConfig]:
    """What the shapes and the config show; a WeightsError if it is not a DeiT."""
    try:
        info = shape_info.checkpoint_shape_info(checkpoint)
    except WeightsError as error:
        config = read_config(checkpoint)
        found = [*find_beyond(config, checkpoint.name), *error.diagnostics]
        raise WeightsError(found) from None
    return info, read_config(checkpoint, info)


@dataclass(frozen=True)
class _Rules:
    """The rules of a plan, and what they depend on."""

    model: GraphParameters
    checkpoint: Checkpoint
    theirs: ShapeInfo
    shapes: dict[str, Sizes]
    antialias: bool

    def finish(self, plan: Plan, problems: list[Diagnostic]) -> Plan:
        """Apply the rules, and report what no rule reconciles."""
        made = {name: self.step(name) for name in self.model.shapes}
        missing = tuple(name for name, step in made.items() if step is None)
        planned = tuple(step for step in made.values() if step)
        sources = {name for step in planned for name in step.sources}
        dtypes = {name: self.checkpoint.tensors[name].dtype for name in sources}
        unusable = {
            name
            for name, dtype in dtypes.items()
            if not dtype.is_floating_point or dtype.itemsize == 1
        }
        other_shapes = {
            step.name: found for step in planned for found in self.other_shape(step)
        }
        steps = tuple(
            step
            for step in planned
            if step.name not in other_shapes and unusable.isdisjoint(step.sources)
        )
        dropped, left_over = self.others(sources)
        problems += _find_unmatched(missing, left_over, self.checkpoint)
        problems += other_shapes.values()
        problems += _find_other_types(sorted(unusable), self.checkpoint)
        return replace(
            plan,
            steps=steps,
            dropped=dropped,
            missing=missing,
            left_over=left_over,
            diagnostics=tuple(problems),
        )

    def step(self, name: str) -> Step | None:
        """The step that makes a tensor; None if no rule can."""
        ours, theirs = self.model.info, self.theirs
        if name.startswith(HEADS):
            return self.head(name)
        if name == "dist_token" and not theirs.distillation_token:
            return self.copy(name, "cls_token", "a copy of the class token")
        if name not in self.shapes:
            return None
        if name == "pos_embed" and self.shapes[name] != self.model.shapes[name]:
            return self.positions(name)
        if name == "patch_embed.proj.weight" and (
            ours.in_channels != theirs.in_channels
        ):
            return self.channels(name)
        return self.plain(name)

    def make(
        self,
        name: str,
        kind: Kind,
        source: str,
        transform: Transform,
        reason: str,
        *needs: Permission,
    ) -> Step:
        """Make a step; `source` is our name of its source, if it has one."""
        shape = self.model.shapes[name]
        sources = tuple(filter(None, self.checkpoint.names.theirs.get(source, ())))
        return Step(name, shape, kind, sources, transform, reason, frozenset(needs))

    def plain(self, name: str) -> Step:
        """Take a tensor as it is, under any name."""
        sources = self.checkpoint.names.theirs[name]
        zeros = tuple(i for i, source in enumerate(sources) if not source)
        kind, reason = Kind.TAKEN, ""
        if zeros:
            kind, reason = Kind.FUSED, "query, zeros for the key, and value in one"
        elif len(sources) > 1:
            kind, reason = Kind.FUSED, "query, key and value in one"
        elif sources[0] != name:
            kind = Kind.RENAMED
        return self.make(name, kind, name, plans.Join(zeros), reason)

    def positions(self, name: str) -> Step:
        """Fit the position table to the grid and to the prefix tokens."""
        both = self.theirs, self.model.info
        grid = both[0].grid_size, both[1].grid_size
        prefix = both[0].num_prefix_positions, both[1].num_prefix_positions
        needs: list[Permission] = []
        kind, reasons = Kind.ADAPTED, []
        if grid[0] != grid[1]:
            needs.append("resample")
            kind = Kind.RESAMPLED
            smooth = ", antialiased" if self.antialias else ""
            old, new = (f"{side}×{side}" for side in grid)
            reasons.append(f"{old} → {new}, bicubic{smooth}")
        reasons += _of_prefix(*prefix)
        if prefix[0] != prefix[1]:
            needs.append("distillation")
        transform = plans.Positions(prefix, grid, self.antialias)
        return self.make(name, kind, name, transform, "; ".join(reasons), *needs)

    def channels(self, name: str) -> Step:
        """Fit the patch projection to the channels of the images."""
        old, new = self.theirs.in_channels, self.model.info.in_channels
        if new == 1:
            rule = "summed"
        elif new < old:
            rule = f"the first {new}, times {old}/{new}"
        else:
            rule = f"repeated cyclically, times {old}/{new}"
        reason = f"{counted(old, 'channel')} → {new}, {rule}"
        transform = plans.Channels(new)
        return self.make(name, Kind.ADAPTED, name, transform, reason, "channels")

    def copy(self, name: str, source: str, reason: str) -> Step | None:
        """Start a tensor of the distillation token from that of the class token."""
        if source not in self.shapes:
            return None
        join = plans.Join()
        return self.make(name, Kind.CREATED, source, join, reason, "distillation")

    def head(self, name: str) -> Step | None:
        """Take a head, or draw one for another number of classes."""
        shape = self.model.shapes[name]
        layer, _, part = name.partition(".")
        old, new = self.shapes.get(f"{layer}.weight", (0,))[0], shape[0]
        if old == new:
            return self.plain(name) if name in self.shapes else None
        is_new = layer == "head_dist" and not self.theirs.distillation_token
        if is_new and self.shapes.get(f"head.{part}") == shape:
            return self.copy(name, f"head.{part}", "a copy of the class token's head")
        reason = "the checkpoint has no such head"
        if old:
            reason = f"{old:,} → {counted(new, 'class')}"
        need: Permission = "distillation" if is_new else "heads"
        transform = plans.Draw(self.model.parameters[name].init)
        return self.make(name, Kind.REINITIALISED, "", transform, reason, need)

    def others(self, used: set[str]) -> tuple[tuple[Dropped, ...], tuple[str, ...]]:
        """Sort what no step uses: dropped if a rule says so, else left over."""
        dropped: list[Dropped] = []
        left_over: list[str] = []
        rest = self.checkpoint.tensors.keys() - used
        for our, theirs in self.checkpoint.names.theirs.items():
            unused = [name for name in theirs if name in rest]
            if our == "dist_token" or our.startswith(HEADS):
                dropped += [Dropped(their, *self.why(our)) for their in unused]
            else:
                left_over += unused
        beside = [*self.beside()]
        known = {each.name for each in beside}
        left_over += (n for n in self.checkpoint.names.unknown if n not in known)
        return (*dropped, *beside), tuple(left_over)

    def beside(self) -> Iterator[Dropped]:
        """The tensors of unknown names that stand beside the model."""
        names = self.checkpoint.names
        models = tuple(find_models(names.unknown))
        head = ""
        if "head.weight" not in self.shapes:
            head = "".join(names.scheme.write("head.weight")).removesuffix("weight")
        for name in names.unknown:
            if NO_EFFECT.fullmatch(name):
                yield Dropped(name, "it has no effect on the output", DROP)
            elif models and name.startswith(models):
                yield Dropped(name, "it belongs to another model", DROP)
            elif head and name.startswith(head):
                reason = "it belongs to a head of another structure"
                yield Dropped(name, reason, frozenset({"heads"}))

    def why(self, name: str) -> tuple[str, frozenset[Permission]]:
        """Say why a token or a head is dropped, and what has to be allowed."""
        if name in self.model.shapes:
            return "the spec has a different number of classes", frozenset({"heads"})
        if name.startswith("head.") or self.model.info.distillation_token:
            return "the spec has no such head", frozenset({"heads"})
        return "the spec has no distillation token", frozenset({"distillation"})

    def other_shape(self, step: Step) -> Iterator[Diagnostic]:
        """DS411: a tensor whose shape no rule expects, as in a damaged file."""
        wanted = step.shape
        if isinstance(step.transform, plans.Positions):
            rows = self.theirs.num_prefix_positions + self.theirs.grid_size**2
            wanted = (1, rows, self.theirs.embed_dim)
        elif not isinstance(step.transform, plans.Join):
            return
        first, *others = step.sources
        found = self.shapes[step.name] if others else self.checkpoint.shapes[first]
        if found != wanted:
            shapes = f"{list(found)} in the checkpoint, not {list(wanted)}"
            yield finding("DS411", f"{step.name} is {shapes}", self.checkpoint.name)


def _of_prefix(old: int, new: int) -> Iterator[str]:
    """Say what becomes of the rows before those of the patches."""
    if new > old:
        yield "the distillation token's position is a copy of the class token's"
    elif new < old:
        yield "the distillation token's position is dropped"
    elif new:
        yield f"{counted(new, 'prefix token')} kept"


def _compare_structure(
    model: GraphParameters,
    theirs: ShapeInfo,
    checkpoint: Checkpoint,
    sides: tuple[str, str],
) -> Iterator[Diagnostic]:
    """DS411: what differs in structure, which nothing can change."""
    hidden = shape_info.has_unknown_parts(checkpoint)
    for field in STRUCTURE:
        name = field.removeprefix("variant.")
        found, wanted = (getattr(each, name) for each in (theirs, model.info))
        # What has other names is not absent: the tensors are missing and left over.
        if hidden and name in {"depth", "layer_scale", "qkv_bias"} and found < wanted:
            continue
        if name == "layer_scale":  # shapes do not show its initial value
            found, wanted = ("set" if each else None for each in (found, wanted))
        if found != wanted:
            yield finding(
                "DS411",
                f"{field} is {value_text(found)} in {sides[0]} and "
                f"{value_text(wanted)} in {sides[1]}",
                checkpoint.name,
                secondary=model.label(field),
                notes=model.default(field),
            )


def _find_unmatched(
    missing: Sequence[str], left_over: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS412 and DS413: tensors of the model or of the checkpoint alone."""
    name = checkpoint.name
    if missing:
        message = f"the checkpoint lacks {counted(len(missing), 'tensor')} of the model"
        notes = [f"missing: {some(missing)}"]
        helps = help_with_keys(checkpoint.models)
        yield finding("DS412", message, name, notes=notes, helps=helps)
    if left_over:
        unused = counted(len(left_over), "tensor")
        message = f"the model does not use {unused} of the checkpoint"
        notes = [f"may affect the output: {some(left_over)}"]
        yield finding("DS413", message, name, notes=notes)


def _find_other_types(
    names: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS407: tensors of types that no model runs in, such as integers."""
    if names:
        dtype = str(checkpoint.tensors[names[0]].dtype).removeprefix("torch.")
        more = names[1:]
        yield finding(
            "DS407",
            f"{shown(names[0])} has the type {dtype}, which a model cannot use",
            checkpoint.name,
            notes=[f"{counted(len(more), 'tensor')} more: {some(more)}"]
            if more
            else [],
            helps=[weight_findings.SAVE_AS_FLOAT],
        )
