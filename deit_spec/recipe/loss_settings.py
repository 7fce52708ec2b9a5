"""The settings of the loss, as a recipe states them."""

from typing import Literal

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, PositiveFloat, Rate, Share


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
    label_smoothing: Rate = Field(
        0.1, description="The fraction of a true label that is spread over all classes."
    )
