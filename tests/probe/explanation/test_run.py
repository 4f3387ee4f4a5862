"""The whole command: what it writes, and what it refuses."""

import json
from pathlib import Path

import pytest
import torch

from derain.errors import InputError
from derain.networks import build, parse
from derain.networks.weights import describe as describe_network
from derain.networks.weights import write_tensors
from derain.probe.explanation.run import describe, explain
from derain.probe.explanation.settings import ExplainSettings

SMALL = {"count": 3, "size_px": 32, "attributed": 1, "window_px": 8, "steps": 4}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two tiny networks whose headers say 8 and 64 backgrounds."""
    paths = []
    for seed, count in enumerate((8, 64)):
        torch.manual_seed(seed)
        network = build(*parse("unet:base=2,levels=2,norm=none"))
        paths.append(tmp_path_factory.mktemp("run") / "model.safetensors")
        write_tensors(
            paths[-1], network.state_dict(), {**describe_network("unet", network), "objective": {"count": count}}
        )
    return paths


def test_networks_are_explained_side_by_side_and_against_their_backgrounds(
    models: list[Path], photos: Path, tmp_path: Path
) -> None:
    explained = explain([*models, "nothing"], ExplainSettings(photos, rains=("small", "lines"), **SMALL), tmp_path)
    content = json.loads((tmp_path / "explanation.json").read_text())
    assert [each["backgrounds"] for each in content["networks"]] == [8, 64, None]
    first, _, nothing = content["networks"]
    assert first["layer"] == "last"
    assert sum(first["separation"][part] for part in ("of_content", "of_rain", "of_both")) == pytest.approx(1)
    assert len(first["separation"]["points"]) == 3
    assert first["diffusion_index"].keys() == {"small", "lines"}
    assert nothing["separation"] is None
    assert nothing["diffusion_index"]["small"] < first["diffusion_index"]["small"]
    figures = {file.name for file in (tmp_path / "figures").iterdir()}
    assert figures == {f"{name}.{kind}" for name in ("attribution", "counts", "separation") for kind in ("png", "svg")}
    assert "diffusion index" in describe(explained)[2]


def test_a_file_of_another_kind_is_not_overwritten(models: list[Path], photos: Path, tmp_path: Path) -> None:
    (tmp_path / "explanation.json").write_text("{}")
    with pytest.raises(InputError, match=r"explanation.json was not written by this version of derain explain"):
        explain(models, ExplainSettings(photos, **SMALL), tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 1, "attributed": 1}, "at least 2 backgrounds"),
        ({"rains": ("small", "small")}, "every rain once"),
        ({"attributed": 25}, r"within 1\.\.24"),
        ({"window_px": 129}, "the side of the backgrounds"),
        ({"steps": 0}, "steps at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ExplainSettings(Path("photos"), **settings)  # type: ignore[arg-type]
