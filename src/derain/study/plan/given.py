"""Systems that a study measures as they are: models, folders of restored pictures, and what learnt nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from derain.models import NAMES
from derain.networks.filters import FILTERS
from derain.support.tables import located
from derain.support.user_code import seen_from

PERFECT = "perfect"
"""The system that restores every picture to its background."""
SMOOTHING = ("opening", "median", "blur")
"""Filters that take away bright and narrow structure, rain or not."""
TRIVIAL = (*FILTERS, PERFECT)
"""Systems that learnt nothing, measured beside every other: a figure is worth what it is above theirs."""


@dataclass(frozen=True)
class Given:
    """A system that is measured, not trained: a model, or folders of restored pictures."""

    name: str
    tests: tuple[str, ...] = ()
    """Test sets that it is measured on; by default all of the study."""
    model: str | None = None
    """As `derain evaluate` takes it, or "perfect"."""
    network: str | None = None
    """Hyperparameters that official weights do not tell, NAME:key=value."""
    restored: Mapping[str, Path] = field(default_factory=dict)
    """In place of a model, by test set: folder with the restored rainy pictures, of equal names."""
    restored_clean: Mapping[str, Path] = field(default_factory=dict)
    """By test set: folder with the results of the same system on the clean pictures."""
    trained_on: str = ""
    """The training set, in words."""
    seen: tuple[str, ...] = ()
    """Test sets of the kind of rain that it was trained on."""
    shares: tuple[str, ...] = ()
    """Test sets whose backgrounds come from the collection of its training pictures."""
    backgrounds: str | None = None
    """Category whose training photos it was trained on: no test set may show one of them."""
    probe: str | None = None
    """Category on whose test photos its response to rain is mapped."""

    def resolved(self, folder: Path, tests: Iterable[str]) -> "Given":
        """The same with its files taken from the study's folder, and with the test sets of the study if it names none.

        Args:
            folder: of the study.
            tests: names of the study's test sets.
        """
        network = None if self.network is None else seen_from(folder, self.network)
        model = self.model
        if model is not None and model not in (*NAMES, *TRIVIAL):
            model = str(located(model, folder))
        return replace(self, network=network, model=model, tests=self.tests or tuple(tests))


def with_trivial(given: Sequence[Given]) -> tuple[Given, ...]:
    """Given systems, followed by those that learnt nothing on all of their test sets.

    >>> [each.name for each in with_trivial([Given("ours", ("rain12",), model="balanced")])]
    ['ours', 'nothing', 'opening', 'median', 'blur', 'perfect']
    """
    tests = tuple(dict.fromkeys(test for each in given for test in each.tests))
    asked = {each.name for each in given}
    further = tuple(Given(name, tests, model=name) for name in TRIVIAL if name not in asked)
    return (*given, *(further if given else ()))
