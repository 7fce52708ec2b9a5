"""The section `optimizer` of a recipe: how the weights are updated."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, NotNegative, PositiveFloat, PositiveInt, Rate

Factor = Annotated[float, Field(gt=0, le=1)]


class Optimizer(BaseModel):
    """The optimizer; biases, norms, tokens, positions, layer scale have no decay."""

    model_config = CONFIG

    name: Literal["adamw", "sgd", "lamb"] = Field(
        "adamw",
        description="The optimizer: AdamW, SGD with Nesterov momentum, or timm's LAMB.",
    )
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
        (0.9, 0.999), strict=False, description="The betas of AdamW and LAMB."
    )
    eps: PositiveFloat = Field(1.0e-8, description="The epsilon of AdamW and LAMB.")
    momentum: Rate = Field(0.9, description="The momentum of SGD; 0 for none.")
    layer_decay: Factor | None = Field(
        None,
        description="The factor of the learning rate from each block to the one before "
        "it, as in BEiT and MAE; null for the same rate in all layers.",
        examples=[0.75],
    )
    clip: PositiveFloat | None = Field(
        None,
        description="The maximum norm of the gradient of all weights; null for no "
        "clipping.",
        examples=[1.0],
    )
