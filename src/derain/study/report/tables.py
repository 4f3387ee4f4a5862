"""The tables of the report: verdicts, Table 2 beside the paper's, and all figures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from markupsafe import Markup

from derain.evaluation.metrics import METRIC, METRICS
from derain.evaluation.statistics import mean_defined
from derain.study.judge.paper import TABLE2
from derain.study.judge.results import Cell, Results
from derain.study.judge.rules import Level
from derain.study.judge.verdicts import Verdict
from derain.study.report.figures import MASKED, Quantity, varied

_FEW_VERDICTS = 12  # no more of them are shown with their numbers at once
_TABLE2_FIGURES = ("e_r", "e_b", "psnr_rgb", "psnr_y")
_COLUMNS = (*(Quantity(metric.name, 10) for metric in METRICS), *(Quantity(name, 50) for name in MASKED))


class Table(NamedTuple):
    """The cells of a table: text, or `Markup`."""

    head: list[str]
    rows: list[list[str]]


class FindingTables(NamedTuple):
    """The verdicts on a finding by line and part, and the numbers that say so, at once or folded away."""

    finding: str
    words: Table
    numbers: Table
    is_open: bool


def name_of(results: Results) -> str:
    return f"{results.study.name}.{results.scale.name}"


def told_apart(networks: Iterable[str]) -> dict[str, str]:
    """Short names of networks: without what all of their family have in common.

    >>> told_apart(["unet:base=8,levels=4", "unet:base=16,levels=4", "resnet:blocks=4"])
    {'unet:base=8,levels=4': 'unet:base=8', 'unet:base=16,levels=4': 'unet:base=16', 'resnet:blocks=4': 'resnet'}
    """
    families: dict[str, dict[str, list[str]]] = {}
    for network in networks:
        family, _, values = network.partition(":")
        families.setdefault(family, {})[network] = values.split(",")
    names = {}
    for family, members in families.items():
        common = set.intersection(*map(set, members.values()))
        for network, own in members.items():
            kept = ",".join(value for value in own if value not in common)
            names[network] = f"{family}:{kept}" if kept else family
    return names


def table2(cells: Sequence[Cell], given: Sequence[Cell] = ()) -> Table:
    """Our figures with those of the paper's Table 2 beside them, where the network is of the same family.

    Args:
        cells: of the trainings.
        given: of systems that were not trained, whose figures on the same test sets follow.
    """
    others, tests = varied(cells, without=("network", "count", "rain", "seed")), {cell.test for cell in cells}
    ours: dict[tuple[str, int, str], list[Cell]] = {}
    # A training that two grids ask for is there twice.
    for cell in {(cell.identity, cell.test): cell for cell in cells}.values():
        further = [f"{axis} {cell.axes[axis]}" for axis in others] + ([f"on {cell.test}"] if len(tests) > 1 else [])
        network = ", ".join((cell.axes["network"], *further))
        ours.setdefault((network, cell.axes["count"], cell.axes["rain"]), []).append(cell)
    rows = []
    for (network, count, rain), group in ours.items():
        key = (group[0].axes["network"].partition(":")[0], count, rain)
        paper = next((row for row in TABLE2 if (row.network, row.count, row.rain) == key), None)
        values = [] if paper is None else [paper.e_r, paper.e_b, paper.psnr]
        e_r, e_b, psnr = [f"{value:.2f}" for value in values] or ["-"] * 3
        own_e_r, own_e_b, *own_psnr = [_mean(group, figure, 50) for figure in _TABLE2_FIGURES]
        rows.append([network, rain, str(count), str(len(group)), own_e_r, e_r, own_e_b, e_b, *own_psnr, psnr])
    for cell in given:
        if cell.test in tests:
            network = ", ".join([cell.axes["network"]] + ([f"on {cell.test}"] if len(tests) > 1 else []))
            own_e_r, own_e_b, *own_psnr = [_mean([cell], figure, 50) for figure in _TABLE2_FIGURES]
            rows.append([network, "-", "-", "-", own_e_r, "-", own_e_b, "-", *own_psnr, "-"])
    head = ["network", "rain", "backgrounds", "seeds", "E_R", "paper", "E_B", "paper", "PSNR RGB", "PSNR Y", "paper"]
    return Table(head, rows)


def _mean(cells: Sequence[Cell], figure: str, threshold: int) -> str:
    return METRIC[figure].text(mean_defined(cell.measured.value(figure, threshold) for cell in cells))


def verdict_tables(verdicts: Sequence[Verdict]) -> list[FindingTables]:
    """The verdicts on every finding."""
    found = []
    for finding in dict.fromkeys(verdict.finding for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.finding == finding]
        columns = list(dict.fromkeys(map(_quantity, own)))
        words = {(_subject(verdict), _quantity(verdict)): _word(verdict.verdict) for verdict in own}
        subjects = dict.fromkeys(map(_subject, own))
        rows = [[subject, *(words.get((subject, column), "") for column in columns)] for subject in subjects]
        numbers = [[_subject(v), _quantity(v), _word(v.verdict), _luck(v), v.numbers] for v in own]
        head = ["", "figure", "verdict", "by luck", "numbers"]
        found.append(
            FindingTables(finding, Table(["", *columns], rows), Table(head, numbers), len(own) <= _FEW_VERDICTS)
        )
    return found


def verdict_overview(found: Sequence[tuple[Results, Sequence[Verdict]]]) -> Table:
    """Verdicts of every study that has some, counted by figure."""
    labels = list(dict.fromkeys(METRIC[verdict.figure].label for _, verdicts in found for verdict in verdicts))
    rows: list[list[str]] = []
    for results, verdicts in found:
        row: list[str] = [Markup('<a href="#{0}">{0}</a>').format(name_of(results))]
        for label in labels:
            words = Counter(verdict.verdict for verdict in verdicts if METRIC[verdict.figure].label == label)
            counts = [Markup("{} {}").format(words[level], _word(level)) for level in get_args(Level) if level in words]
            row.append(Markup("<br>").join(counts))
        rows += [row] if verdicts else []
    return Table(["study", *labels], rows)


def _quantity(verdict: Verdict) -> str:
    return Quantity(verdict.figure, verdict.threshold or 10).title


def _subject(verdict: Verdict) -> str:
    return ": ".join(filter(None, (verdict.line, verdict.part)))


def _luck(verdict: Verdict) -> str:
    return "-" if verdict.chance is None else f"{100 * verdict.chance:.0f} %"


def luck_overview(found: Sequence[tuple[Results, Sequence[Verdict]]]) -> str:
    """The number of rules that luck alone would meet among all verdicts; empty: nothing was judged."""
    chances = [each.chance for _, verdicts in found for each in verdicts if each.chance is not None]
    met = sum(each.verdict == "reproduced" for _, verdicts in found for each in verdicts)
    if not chances:
        return ""
    return (
        f"{len(chances)} verdicts were given at once. {met} are reproduced; luck alone would meet about "
        f"{sum(chances):.0f} of these rules. Figures of one study are no independent trials."
    )


def _word(level: Level) -> Markup:
    return Markup('<span class="verdict {}">{}</span>').format(level.replace(" ", "-"), level)


def all_figures(cells: Sequence[Cell]) -> Table:
    """One row for every training and test set, after the untouched pictures of that test set.

    Axes of a training other than count, rain and seed stand above those that share them.
    """
    own = [axis for axis in varied(cells) if axis in ("count", "rain", "seed")]
    shared = [axis for axis in varied(cells) if axis not in own]
    rows: list[list[str]] = []
    for test in dict.fromkeys(cell.test for cell in cells):
        of_test = [cell for cell in cells if cell.test == test]
        untouched = of_test[0].measured.input
        means = [METRIC[q.figure].text(untouched[q.threshold][q.figure]) for q in _COLUMNS]
        rows.append([f"{test}, untouched", *means])
        groups: dict[str, list[Cell]] = {}
        for cell in of_test:
            groups.setdefault(axes_text(cell, shared), []).append(cell)
        for title, group in groups.items():
            rows += [[Markup("<b>{}</b>").format(title), *[""] * len(_COLUMNS)]] if title else []
            for cell in group:
                photos = "" if cell.photos is None else f"{cell.photos} photos"
                name = ", ".join(filter(None, [test, axes_text(cell, own), photos]))
                own_means = (METRIC[q.figure].text(cell.measured.value(q.figure, q.threshold)) for q in _COLUMNS)
                rows.append([name, *own_means])
    return Table(["", *(quantity.title for quantity in _COLUMNS)], rows)


def axes_text(cell: Cell, axes: Sequence[str]) -> str:
    """A training's values on some axes; numbers are nothing without the axis's name. A given system lacks some."""
    values = [(axis, cell.axes[axis]) for axis in axes if cell.axes[axis] is not None]
    return ", ".join(value if isinstance(value, str) else f"{axis} {value:g}" for axis, value in values)


def left_out(cells: Sequence[Cell]) -> str:
    """The number of pictures, figure by figure, that the means leave out."""
    counted = [cell.measured for cell in cells if cell.measured.images[10]]
    missing = {q.title: sum(each.values(q.figure, q.threshold).count(None) for each in counted) for q in _COLUMNS}
    values = sum(len(each.names) for each in counted)
    found = "; ".join(f"{title}: {number} of {values} pictures" for title, number in missing.items() if number)
    text = f"Left out of the means where not defined: {found}." if found else "Nothing is left out of the means."
    unknown = len(cells) - len(counted)
    return f"{text} Of {unknown} of {len(cells)} rows the means alone were kept." if unknown else text
