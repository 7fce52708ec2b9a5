"""The rules between fields. Each is a function that yields its diagnostics.

A rule runs only if all fields that it reads are valid, so that one mistake does not
cause further messages.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.diagnostics.printable import counted
from deit_spec.spec.model_limits import LARGEST, PARAMETERS, count_parameters
from deit_spec.spec.nearest import (
    nearest_divisors,
    nearest_multiples,
    nearest_ratio,
    one_of,
)
from deit_spec.spec.schema import DeiTSpec
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.scalars import value_text

if TYPE_CHECKING:
    from decimal import Decimal

Findings: TypeAlias = Iterator[Diagnostic]
"""What a rule finds."""
Field: TypeAlias = tuple[str, str, object]
"""A field, the words of its label, and its default."""


class FieldSpans:
    """The spans of a document, by field."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def wrote(self, field: str) -> bool:
        """Whether a field, such as `variant.fusion`, is written."""
        return tuple(field.split(".")) in self._document.spans

    def value(self, field: str) -> Span:
        """The span of a field's value, or of the nearest thing around it."""
        return self._document.nearest(tuple(field.split("."))).value

    def item(self, field: str, index: int) -> Span:
        """The span of an item of a list, or of the nearest thing around it."""
        return self._document.nearest((*field.split("."), index)).value

    def finding(
        self, code: str, message: str, help_: str, *fields: Field
    ) -> Diagnostic:
        """Report something that depends on several fields.

        The primary label is at the first field that is written; notes name the
        defaults of those that are not.
        """
        written = [item for item in fields if self.wrote(item[0])]
        labels = [Label(self.value(name), words) for name, words, _ in written]
        first, *more = labels or [Label(self.value(fields[0][0]))]
        notes = [
            f"`{name}` is {value_text(value)} by default"
            for name, _, value in fields
            if not self.wrote(name)
        ]
        return diagnose(
            code, message, first, secondary=more, notes=notes, helps=[help_]
        )


def start_of(document: Document) -> Span:
    """The span of the first key, for what is about the whole of a document."""
    first = min((path for path in document.spans if path), key=len, default=())
    return document.nearest(first).key


@dataclass(frozen=True)
class Rule:
    """A check, its diagnostic code, and the fields that it reads."""

    code: str
    check: Callable[..., Findings]
    reads: tuple[str, ...]


def run_rules(
    rules: Iterable[Rule], invalid: set[str], *arguments: object
) -> list[Diagnostic]:
    """Run every rule whose fields are all valid, with these arguments."""
    return [
        found
        for rule in rules
        if invalid.isdisjoint(rule.reads)
        for found in rule.check(*arguments)
    ]


def find_excess(
    spec: DeiTSpec, spans: FieldSpans, invalid: set[str]
) -> dict[str, Diagnostic]:
    """DS212, by field: sizes far above those of any model."""
    found: dict[str, Diagnostic] = {}
    for field, largest in LARGEST.items():
        value = getattr(spec, field)
        if field in invalid or value is None or value <= largest:
            continue
        found[field] = diagnose(
            "DS212",
            f"{field} is above the limit of {largest:,}",
            Label(spans.value(field), f"at most {largest:,}"),
            helps=[f"`{field}: {largest}` or less"],
        )
    return found


def find_oversize(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS212: sizes that are valid alone and make too large a model together."""
    count = count_parameters(spec)
    if count <= PARAMETERS:
        return
    written = [field for field in LARGEST if spans.wrote(field)]
    yield diagnose(
        "DS212",
        f"the model has {count:,} parameters, above the limit of {PARAMETERS:,}",
        Label(spans.value(written[0] if written else "embed_dim")),
        helps=["use smaller sizes, fewer blocks or fewer classes"],
    )


def patches_fill_image(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS201: patch_size divides image_size, so that the patches cover the image."""
    image, patch = spec.image_size, spec.patch_size
    if image % patch == 0:
        return
    yield spans.finding(
        "DS201",
        "image_size is not divisible by patch_size",
        _alternatives("image_size", image, "patch_size", patch),
        ("image_size", _division(image, patch), image),
        ("patch_size", f"patches of {patch}×{patch} pixels", patch),
    )


def heads_fill_width(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS203: num_heads divides embed_dim, so that the head width is an integer."""
    width, heads = spec.embed_dim, spec.num_heads
    if width % heads == 0:
        return
    yield spans.finding(
        "DS203",
        "embed_dim is not divisible by num_heads",
        _alternatives("embed_dim", width, "num_heads", heads),
        ("embed_dim", _division(width, heads), width),
        ("num_heads", f"{heads} heads", heads),
    )


def mlp_width_is_whole(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS204: the MLP's hidden width is `int(embed_dim * mlp_ratio)`, rounded down."""
    if spec.mlp_ratio.is_integer() or spec.mlp_dim in (_exact_mlp_width(spec), 0):
        return
    ratio = nearest_ratio(spec.embed_dim, spec.mlp_ratio)
    yield spans.finding(
        "DS204",
        "the MLP width is rounded down",
        f"`mlp_ratio: {ratio!r}` gives {int(spec.embed_dim * ratio)} exactly",
        *_mlp_fields(spec, f"so the MLP is {spec.mlp_dim} wide"),
    )


def mlp_has_width(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS205: the MLP has at least one hidden channel."""
    if spec.mlp_dim:
        return
    ratio = nearest_ratio(spec.embed_dim, spec.mlp_ratio)
    yield spans.finding(
        "DS205",
        "the hidden width of the MLP is 0",
        f"use a larger ratio, such as `mlp_ratio: {ratio!r}`",
        *_mlp_fields(spec, "rounded down to 0"),
    )


def _exact_mlp_width(spec: DeiTSpec) -> "Decimal":
    """The product in decimal arithmetic, so that 1.1 is exactly 1.1."""
    from decimal import Decimal  # noqa: PLC0415  -- most ratios are integers

    return Decimal(repr(spec.mlp_ratio)) * spec.embed_dim


def _mlp_fields(spec: DeiTSpec, outcome: str) -> tuple[Field, Field]:
    width, ratio = spec.embed_dim, spec.mlp_ratio
    product = f"{width} × {ratio!r} = {float(_exact_mlp_width(spec))!r}"
    return (
        ("mlp_ratio", f"{product}, {outcome}", ratio),
        ("embed_dim", f"{width} wide", width),
    )


def teacher_has_token(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS206: the distillation head requires a distillation token."""
    if spec.teacher_num_classes is None or spec.variant.distillation_token:
        return
    yield spans.finding(
        "DS206",
        "teacher_num_classes needs a distillation token",
        "`distillation_token: true` under `variant`, or `teacher_num_classes: null`",
        ("teacher_num_classes", "its head reads the distillation token", None),
        ("variant.distillation_token", "there is no distillation token", True),
    )


def mean_needs_equal_heads(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS207: an explicit `mean_*` requires heads with equal class counts."""
    fusion = spec.variant.fusion
    if fusion not in {"mean_logits", "mean_softmax"} or not _are_unequal(spec):
        return
    classes, teacher = spec.num_classes, spec.teacher_num_classes
    yield spans.finding(
        "DS207",
        "the mean of two heads needs equal class counts, "
        f"found {classes} and {teacher}",
        "`fusion: cls` or `fusion: dist` under `variant`, "
        f"or `teacher_num_classes: {classes}`",
        ("variant.fusion", "the mean of both heads", fusion),
        ("num_classes", f"{classes} classes", classes),
        ("teacher_num_classes", f"{teacher} classes", teacher),
    )


def unequal_heads_are_not_joined(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS213: heads with unequal class counts are not averaged by default."""
    if spec.variant.fusion is not None or not _are_unequal(spec):
        return
    classes, teacher = spec.num_classes, spec.teacher_num_classes
    yield spans.finding(
        "DS213",
        "`predict` returns the logits of the class head because the class counts "
        "differ",
        "`fusion: cls` or `fusion: dist` under `variant` chooses a head",
        ("num_classes", f"{classes} classes", classes),
        ("teacher_num_classes", f"{teacher} classes", teacher),
    )


def _are_unequal(spec: DeiTSpec) -> bool:
    """Whether there are two heads with different class counts."""
    is_built = spec.has_two_heads and spec.variant.distillation_token
    return is_built and spec.num_classes != spec.teacher_num_classes


def teacher_needs_classes(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS208: teacher_num_classes has no effect without num_classes."""
    if spec.teacher_num_classes is None or spec.num_classes is not None:
        return
    if not spec.variant.distillation_token:  # this is DS206
        return
    yield spans.finding(
        "DS208",
        "teacher_num_classes has no effect without num_classes",
        f"`num_classes: {spec.teacher_num_classes}`",
        ("teacher_num_classes", "no head is built", None),
        ("num_classes", "no classes", None),
    )


def token_has_head(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS209: a distillation token without a head does not learn from a teacher."""
    if spec.num_classes is None or spec.teacher_num_classes is not None:
        return
    if not spec.variant.distillation_token:
        return
    teacher = f"teacher_num_classes: {spec.num_classes}"
    reasons = (
        ("teacher_num_classes", "no head on the distillation token"),
        ("variant.distillation_token", "the distillation token"),
    )
    yield diagnose(
        "DS209",
        "the distillation token has no head",
        Label(spans.value("num_classes"), "only a class head"),
        secondary=[
            Label(spans.value(field), words)
            for field, words in reasons
            if spans.wrote(field)
        ],
        notes=["the published undistilled models have no distillation token"],
        helps=[f"`distillation_token: false` under `variant`, or `{teacher}`"],
    )


def readout_has_tokens(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS210: `mean_tokens` requires both tokens."""
    if spec.variant.readout != "mean_tokens" or spec.variant.distillation_token:
        return
    yield spans.finding(
        "DS210",
        "readout mean_tokens needs a distillation token",
        "under `variant`, `readout: cls` or `distillation_token: true`",
        ("variant.readout", "the mean of the class and distillation tokens", "cls"),
        ("variant.distillation_token", "there is no distillation token", True),
    )


def merging_leaves_patches(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS214: merge_tokens fits the numbers of blocks and of patches."""
    merged, patches = spec.variant.merge_tokens, spec.num_patches
    numbers = merged if isinstance(merged, tuple) else (merged,)
    if isinstance(merged, tuple) and len(merged) != spec.depth:
        given = counted(len(merged), "number")
        blocks = counted(spec.depth, "block")
        yield spans.finding(
            "DS214",
            f"merge_tokens has {given} for {blocks}",
            "use one number for all blocks, or a list with a number for each block",
            ("variant.merge_tokens", given, 0),
            ("depth", blocks, spec.depth),
        )
    elif patches and max(numbers) >= patches:
        found = counted(patches, "patch")
        yield spans.finding(
            "DS214",
            f"merging {max(numbers)} of {found} leaves none",
            f"use at most {patches // 2}: half of the patches can merge in a block",
            ("variant.merge_tokens", "more than half of the patches", 0),
            ("image_size", f"{spec.image_size} pixels", spec.image_size),
            ("patch_size", f"{spec.patch_size} pixels, so {found}", spec.patch_size),
        )


def settings_have_effect(spec: DeiTSpec, spans: FieldSpans) -> Findings:
    """DS211: an option without effect is probably a mistake."""
    variant = spec.variant
    if variant.readout == "mean_tokens" and variant.distillation_token:
        if spec.num_classes is None:
            yield _no_effect(spans, "variant.readout", "without num_classes")
        elif spec.teacher_num_classes is not None:
            yield _no_effect(spans, "variant.readout", "with a head for each token")
    if spec.variant.fusion is not None and not spec.has_two_heads:
        yield _no_effect(spans, "variant.fusion", "without two heads")
    if variant.drop_path > 0 and spec.depth == 1:
        yield _no_effect(spans, "variant.drop_path", "with one block")


def _no_effect(spans: FieldSpans, field: str, why: str) -> Diagnostic:
    return diagnose(
        "DS211",
        f"{field} has no effect {why}",
        Label(spans.value(field), "no effect"),
        helps=[f"leave `{field}` out"],
    )


def _division(number: int, by: int) -> str:
    return f"{number} = {by} × {number // by} + {number % by}"


def _alternatives(whole: str, number: int, part: str, by: int) -> str:
    multiples = [
        f"`{whole}: {multiple}`"
        for multiple in nearest_multiples(number, by)
        if multiple <= LARGEST[whole]
    ]
    first, *more = nearest_divisors(number, by)
    divisors = [f"`{part}: {first}`", *(f"`{divisor}`" for divisor in more)]
    choices = f"with {number}, {one_of(divisors)}"
    return f"{one_of(multiples)}; {choices}" if multiples else choices


_DISTILLED = "variant.distillation_token"
_HEADS = ("num_classes", "teacher_num_classes", _DISTILLED)
_SWITCHES = ("variant.readout", "variant.fusion", "variant.drop_path")

_PATCHES = ("image_size", "patch_size", "variant.merge_tokens")

RULES: tuple[Rule, ...] = (
    Rule("DS201", patches_fill_image, ("image_size", "patch_size")),
    Rule("DS203", heads_fill_width, ("embed_dim", "num_heads")),
    Rule("DS204", mlp_width_is_whole, ("embed_dim", "mlp_ratio")),
    Rule("DS205", mlp_has_width, ("embed_dim", "mlp_ratio")),
    Rule("DS206", teacher_has_token, ("teacher_num_classes", _DISTILLED)),
    Rule("DS207", mean_needs_equal_heads, (*_HEADS, "variant.fusion")),
    Rule("DS208", teacher_needs_classes, _HEADS),
    Rule("DS209", token_has_head, _HEADS),
    Rule("DS210", readout_has_tokens, ("variant.readout", _DISTILLED)),
    Rule("DS211", settings_have_effect, (*_HEADS, "depth", *_SWITCHES)),
    Rule("DS213", unequal_heads_are_not_joined, (*_HEADS, "variant.fusion")),
    Rule("DS214", merging_leaves_patches, ("depth", *_PATCHES)),
)
