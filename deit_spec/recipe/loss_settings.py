"""The section `loss` of a recipe: what the student learns from."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema, WrapValidator
from pydantic_core import PydanticKnownError

from deit_spec.spec.schema import CONFIG, PositiveFloat, Rate, Share

BALANCED: Final = "balanced"
_EXPECTED: Final = f"'{BALANCED}' or a mapping of class names to weights"


def _balanced_or_mapping(value: object, validate: Callable[[object], object]) -> object:
    if isinstance(value, str) and value != BALANCED:
        raise PydanticKnownError("literal_error", {"expected": _EXPECTED})
    return value if isinstance(value, str) else validate(value)


if TYPE_CHECKING:
    ClassWeights: TypeAlias = Literal["balanced"] | dict[str, float]
else:  # a union would report an error for each of its types
    ClassWeights = Annotated[
        dict[str, PositiveFloat],
        WrapValidator(_balanced_or_mapping),
        PlainSerializer(lambda value: value),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "const": BALANCED},
                    {
                        "type": "object",
                        "additionalProperties": {
                            "type": "number",
                            "exclusiveMinimum": 0,
                        },
                    },
                ]
            }
        ),
    ]


class Loss(BaseModel):
    """The loss: `(1 - alpha) * labels + alpha * teacher`."""

    model_config = CONFIG

    kind: Literal["none", "soft", "hard"] = Field(
        "hard",
        description="What to learn from the teacher: its decisions (`hard`, equation "
        "3), its probabilities (`soft`, equation 2), or nothing (`none`).",
    )
    alpha: Share = Field(
        0.5, description="The weight of the teacher's term in the loss."
    )
    tau: PositiveFloat = Field(
        1.0, description="The temperature of soft distillation.", examples=[3.0]
    )
    labels: Literal["cross_entropy", "bce"] = Field(
        "cross_entropy",
        description="The term of the labels: cross-entropy, or binary cross-entropy "
        "with a target for each class (`bce`), as in DeiT III.",
    )
    label_smoothing: Rate = Field(
        0.1, description="The fraction of a true label that is spread over all classes."
    )
    bce_target_threshold: Rate | None = Field(
        None,
        description="The value above which a smoothed and mixed target of `bce` "
        "becomes 1, and the others 0, as in timm; DeiT III uses 0. Null keeps the "
        "targets.",
        examples=[0.0],
    )
    class_weights: ClassWeights | None = Field(
        None,
        description="The weights of the classes in the term of the labels: a mapping "
        "of class names, in which other classes have weight 1; `balanced` for "
        "weights inverse to the number of training images; null for equal weights.",
        examples=[{"cat": 2.0}],
    )
