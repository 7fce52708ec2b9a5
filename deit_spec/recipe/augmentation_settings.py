"""The section `augmentation` of a recipe: how training images are changed."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from deit_spec.spec.schema import CONFIG, NotNegative, PositiveInt, Rate, Share

Policy: TypeAlias = Literal["rand_augment", "three_augment", "none"]
Part = Annotated[float, Field(gt=0, le=1)]


class Augmentation(BaseModel):
    """The augmentation of images, which is the same for student and teacher."""

    model_config = CONFIG

    repeats: PositiveInt = Field(
        3,
        description="How often each image is repeated in an epoch with different "
        "augmentation (repeated augmentation); the length of an epoch does not "
        "change.",
    )
    crop: Literal["random_resized", "simple"] = Field(
        "random_resized",
        description="`random_resized`: a random area with a size in `crop_scale`, "
        "resized. `simple`: the shorter side is resized, 4 pixels are added around the "
        "image by reflection, and a square is cropped at a random position (DeiT III).",
    )
    crop_scale: tuple[Part, Part] | None = Field(
        (0.08, 1.0),
        strict=False,
        description="The range of the fraction of the area that a random crop keeps; "
        "null for no cropping.",
    )
    flip: Share = Field(
        0.5,
        description="The probability of a horizontal flip; digits are never flipped.",
    )
    policy: Policy | None = Field(
        None,
        description="`rand_augment`; `three_augment`: grayscale, solarization or "
        "Gaussian blur, one of them for each image with equal probability (DeiT III); "
        "or `none`. Null is `rand_augment`, or `none` if that field is null.",
        examples=["three_augment"],
    )
    rand_augment: str | None = Field(
        "rand-m9-mstd0.5-inc1",
        description="RandAugment in timm's notation (default: magnitude 9, standard "
        "deviation 0.5); null for none.",
    )
    color_jitter: NotNegative = Field(
        0.3,
        description="The strength of colour jitter, after `three_augment` or without a "
        "policy; RandAugment excludes it, as in timm.",
    )
    shift: Rate = Field(
        0.0,
        description="The maximum shift of digits, as a fraction of the image side.",
        examples=[0.1],
    )
    rotate: NotNegative = Field(
        0.0, description="The maximum rotation of digits, in degrees.", examples=[10.0]
    )
    mixup: NotNegative = Field(0.8, description="The alpha of mixup; 0 for none.")
    cutmix: NotNegative = Field(1.0, description="The alpha of cutmix; 0 for none.")
    mix_switch: Share = Field(
        0.5,
        description="The probability of cutmix instead of mixup if both are enabled.",
    )
    erasing: Share = Field(
        0.25, description="The probability of erasing a random rectangle."
    )
    drop_path: Rate | None = Field(
        0.1, description="The student's drop_path; null for the value in its spec."
    )

    @property
    def chosen_policy(self) -> Policy:
        """The policy, which follows from `rand_augment` if it is not set."""
        if self.policy is not None:
            return self.policy
        return "none" if self.rand_augment is None else "rand_augment"
