"""Models by name."""

from pathlib import Path

import pytest

from derain import models
from derain.errors import InputError
from derain.models import NAMES, find_model


def test_paths_stay_as_they_are(tmp_path: Path) -> None:
    assert find_model(tmp_path / "model.safetensors") == tmp_path / "model.safetensors"


def test_names_are_files_in_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "__file__", str(tmp_path / "__init__.py"))
    for name in NAMES:
        with pytest.raises(InputError, match=f"the model {name} is not in the box"):
            find_model(Path(name))
        (tmp_path / f"{name}.safetensors").touch()
        assert find_model(Path(name)) == tmp_path / f"{name}.safetensors"


def test_an_unknown_name_is_neither_in_the_box_nor_a_file() -> None:
    with pytest.raises(InputError, match=r"'balancd' is neither a model in the box .* nor a file.*mean balanced"):
        find_model(Path("balancd"))


def test_a_file_without_a_suffix_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mymodel").touch()
    assert find_model(Path("mymodel")) == Path("mymodel")
