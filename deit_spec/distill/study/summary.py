"""A study's table: the scores of each arm, and what one arm is above another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from deit_spec.distill.metrics import HeadScores
from deit_spec.distill.study.results import Result
from deit_spec.distill.study.statistics import Mean, mean_of, paired
from deit_spec.recipe.study_validation import Study


@dataclass(frozen=True)
class Row:
    """An arm at a number of training images: top-1 over the seeds.

    `answer` is of what `predict` says: both heads fused, or the only one.
    """

    arm: str
    images: int
    cls: Mean | None
    dist: Mean | None
    answer: Mean | None
    teacher: Mean | None


@dataclass(frozen=True)
class Difference:
    """By how much the answers of an arm are above another's, seed by seed."""

    arm: str
    over: str
    images: int
    top1: Mean | None


@dataclass(frozen=True)
class Summary:
    """What a study found so far."""

    name: str
    arms: tuple[str, ...]
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    evaluated: int
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    done: int
    failed: tuple[str, ...] = ()
    """The runs that ended with an error, in words; the others are in the table."""

    @property
    def planned(self) -> int:
        """The runs of the whole study."""
        return len(self.arms) * len(self.sizes) * len(self.seeds)

    def difference(self, arm: str, over: str, images: int) -> Mean | None:
        """By how much an arm is above another at a number of images."""
        wanted = (arm, over, images)
        found = (each for each in self.differences if _names(each) == wanted)
        return next(found).top1


def summarise(
    name: str, study: Study, results: Mapping[tuple[str, int, int], Result]
) -> Summary:
    """Put the results of a study together, by arm, images and seed.

    Each arm is compared with the baseline, and then with those before it.
    """
    arms, baseline = tuple(study.arms), study.baseline or next(iter(study.arms))
    sizes, seeds = (
        tuple(dict.fromkeys(numbers)) for numbers in (study.train_images, study.seeds)
    )
    by_place: dict[tuple[str, int], dict[int, Result]] = {}
    for (arm, size, seed), each in results.items():
        by_place.setdefault((arm, size), {})[seed] = each
    rows = [
        _row(arm, size, by_place.get((arm, size), {}).values())
        for size in sizes
        for arm in arms
    ]
    differences = [
        Difference(arm, over, size, _paired(by_place, arm, over, size))
        for over, arm in combinations(sorted(arms, key=baseline.__ne__), 2)
        for size in sizes
    ]
    return Summary(
        name,
        arms,
        sizes,
        seeds,
        max((each.evaluated for each in results.values()), default=0),
        tuple(rows),
        tuple(differences),
        len(results),
    )


def _row(arm: str, images: int, results: Iterable[Result]) -> Row:
    runs = list(results)

    def over(heads: Iterable[HeadScores | None]) -> Mean | None:
        return mean_of(head.top1 for head in heads if head)

    return Row(
        arm,
        images,
        over(run.cls for run in runs),
        over(run.dist for run in runs),
        over(run.answer for run in runs),
        over(run.teacher for run in runs),
    )


def _paired(
    by_place: dict[tuple[str, int], dict[int, Result]], arm: str, over: str, images: int
) -> Mean | None:
    one, other = (
        {
            seed: run.answer.top1
            for seed, run in by_place.get((each, images), {}).items()
        }
        for each in (arm, over)
    )
    return paired(one, other)


def _names(difference: Difference) -> tuple[str, str, int]:
    return difference.arm, difference.over, difference.images
