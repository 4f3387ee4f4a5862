"""The public names, frozen: one that goes or comes must be meant."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import derain

PUBLIC = {
    *("DerainError", "InputError", "MissingExtraError", "MissingFileError", "TrainingError", "generator"),
    *("list_images", "read_image", "write_image", "Pair", "match_pairs"),
    *("load_degradation", "RainTransform", "SMALL", "MEDIUM", "LARGE", "Rain", "RainRange"),
    *("compose", "load_rain", "rain_mask", "render_streaks", "synthesise"),
    *("ContentFilter", "PatchSet", "load_patches", "split_photos", "Objective"),
    *("NETWORKS", "Network", "build", "load_model", "load_official", "from_pretrained", "save_pretrained"),
    *("TrainingSettings", "train", "read_log", "TiledRestorer"),
    *("structural_complexity", "fourier_complexity", "complexity_of_images", "complexity_of_rain"),
    *("METRICS", "MetricSums", "measure", "Evaluation", "FolderRestorer", "NetworkRestorer", "evaluate"),
}


def test_the_public_names_are_these() -> None:
    assert set(derain.__all__) == PUBLIC
    assert all(getattr(derain, name) is not None for name in PUBLIC)


def test_importing_derain_loads_nothing_until_a_name_is_used() -> None:
    code = (
        "import sys, derain\n"
        "early = {'torch', 'numpy', 'PIL'} & set(sys.modules)\n"
        "derain.train\n"
        "sys.exit(f'imported: {early}' if early or 'torch' not in sys.modules else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    assert not hasattr(derain, "no_such_name")


@pytest.mark.slow
def test_a_type_checker_knows_every_public_name_and_no_other(tmp_path: Path) -> None:
    lines = ["import derain", *(f"reveal_type(derain.{name})" for name in sorted(PUBLIC)), "derain.no_such_name"]
    (tmp_path / "use.py").write_text("\n".join(lines))
    # The types of other packages play no part, and leaving them out saves a minute.
    alone = ["--no-site-packages", "--ignore-missing-imports", f"--cache-dir={tmp_path / 'cache'}"]
    environment = {"MYPYPATH": str(Path(derain.__file__).parents[1])}
    mypy = subprocess.run(
        [sys.executable, "-m", "mypy", *alone, "use.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    revealed = re.findall(r'^use\.py:\d+: note: Revealed type is "(.*)"$', mypy.stdout, re.MULTILINE)
    assert len(revealed) == len(PUBLIC), mypy.stdout + mypy.stderr
    assert "Any" not in revealed
    assert revealed[sorted(PUBLIC).index("train")].startswith(
        "def (settings: derain.training.settings.TrainingSettings"
    )
    assert 'Module has no attribute "no_such_name"' in mypy.stdout
