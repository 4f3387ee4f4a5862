"""A disk that is full, breaks or becomes read-only: one sentence, nothing half-written, and it goes on."""

from pathlib import Path

import pytest

from .conftest import COMMANDS, ERRORS, attempts, command, content, refuse_half_done

Whole = dict[str, tuple[dict[str, bytes], float]]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_access_to_the_disk_may_fail(
    name: str, inputs: Path, undisturbed: Whole, library: Path, tmp_path: Path
) -> None:
    whole = undisturbed[name][0]
    [counting] = attempts([_work(name, inputs, tmp_path / "counting", 0, 0, 0)], tmp_path, library)
    works, kinds = [], []
    for kind, (error, lasting) in ERRORS.items():
        for n in range(1, counting["counted"] + 1):
            works.append(_work(name, inputs, tmp_path / f"{kind}-{n}", n, error, lasting))
            kinds.append(f"{kind}-{n}")
    failed = attempts(works, tmp_path, library)
    for kind, result in zip(kinds, failed, strict=True):
        refuse_half_done(result["said"], tmp_path / kind, whole)
        if result["code"] == 0:  # what failed is of no use for the result
            assert content(tmp_path / kind) == whole, kind
        else:
            assert result["code"] == 2, (kind, result)
            said = [line for line in result["said"].splitlines() if line.startswith("derain: ")]
            assert len(said) == 1, (kind, result["said"])
    again = attempts([{"argv": command(name, inputs, tmp_path / kind)} for kind in kinds], tmp_path)
    for kind, result in zip(kinds, again, strict=True):
        assert result["code"] == 0, (kind, result["said"])
        assert content(tmp_path / kind) == whole, kind
    print(f"{name}: {len(works)} failures")


def _work(name: str, inputs: Path, out: Path, n: int, error: int, lasting: int) -> dict[str, object]:
    return {"argv": command(name, inputs, out), "disk": [str(out), n, error, lasting]}
