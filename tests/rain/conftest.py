"""The slow reference of the public recipe."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def opencv() -> ModuleType:
    path = Path(__file__).parents[1] / "reference" / "opencv_recipe.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
