"""Results of studies that nobody ran."""

from deit_spec.distill.evaluation import HeadScores
from deit_spec.distill.study import Result
from deit_spec.recipe.study_validation import Study

ARMS = ("none", "soft", "hard")


def head(top1: float) -> HeadScores:
    return HeadScores(top1=top1, top5=1.0, nll=0.25, ece=0.5)


def result(arm: str, images: int, seed: int, top1: float) -> Result:
    """A run whose distillation head is a hundredth above its class head."""
    distilled = arm == "hard"
    return Result(
        key=f"{arm}-{images}-{seed}",
        arm=arm,
        images=images,
        seed=seed,
        cls=head(top1),
        dist=head(top1 + 0.01) if distilled else None,
        fused=head(top1 + 0.02) if distilled else None,
        teacher=None if arm == "none" else head(0.98),
        evaluated=600,
        seconds=12.5,
    )


def study(*, seeds: tuple[int, ...] = (0, 1), baseline: str | None = None) -> Study:
    return Study(
        recipe="digits.yaml",
        seeds=seeds,
        train_images=(100, 300),
        arms=dict.fromkeys(ARMS),
        baseline=baseline,
    )


def results(seeds: tuple[int, ...] = (0, 1)) -> dict[tuple[str, int, int], Result]:
    """Each arm a hundredth above the one before; seeds and sizes differ too."""
    return {
        (arm, images, seed): result(
            arm, images, seed, 0.9 + place / 100 + seed / 100 + images / 10_000
        )
        for place, arm in enumerate(ARMS)
        for images in (100, 300)
        for seed in seeds
    }
