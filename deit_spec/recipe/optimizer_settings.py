"""The section `optimizer` of a recipe: how the weights are updated."""

from typing import Annotated

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, PositiveFloat, PositiveInt, Rate

NotNegative = Annotated[float, Field(ge=0)]


class Optimizer(BaseModel):
    """AdamW, without weight decay of biases, norms, tokens, positions, layer scale."""

    model_config = CONFIG

    lr: PositiveFloat = Field(
        5.0e-4, description="The peak learning rate for a batch of `lr_batch` images."
    )
    lr_batch: PositiveInt | None = Field(
        512,
        description="The learning rate is multiplied by batch_size / lr_batch; null "
        "disables this scaling.",
    )
    weight_decay: NotNegative = Field(0.05, description="The weight decay.")
    betas: tuple[Rate, Rate] = Field(
        (0.9, 0.999), strict=False, description="The betas of AdamW."
    )
    eps: PositiveFloat = Field(1.0e-8, description="The epsilon of AdamW.")
    clip: PositiveFloat | None = Field(
        None,
        description="The maximum norm of the gradient of all weights; null for no "
        "clipping.",
        examples=[1.0],
    )
