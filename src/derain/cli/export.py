"""`derain export` writes a model in another form."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from derain.errors import InputError


@dataclass(frozen=True)
class Export:
    """Write a model in another form; the pictures it makes are verified against the model's."""

    model: Path
    """balanced, strong, light, or the model file of a run."""
    to: Literal["onnx", "float16"] = "onnx"
    """ONNX, or a model file of half the size."""
    out: Path | None = None
    """File for the result; beside the model by default, and in this folder for models in the box."""
    network: str | None = None
    """FILE.py:CLASS, where the model is that of a network of your own."""

    def run(self, console: Console) -> None:
        from derain.models import find_model
        from derain.networks import load_model
        from derain.networks.export import export_float16, export_onnx

        model = find_model(self.model)
        if self.out is not None and self.out.resolve() == model.resolve():
            raise InputError(f"{self.out} is the model itself: give another --out")
        suffix = ".onnx" if self.to == "onnx" else ".safetensors"
        if self.out is not None and self.out.suffix.lower() != suffix:
            raise InputError(
                f"--out must end in {suffix}, not {self.out.name}: file types are recognised by their suffix"
            )
        out = self.out or self.model.with_suffix(".onnx" if self.to == "onnx" else ".float16.safetensors")
        export = export_onnx if self.to == "onnx" else export_float16
        difference = export(*load_model(model, self.network, engine="torch"), out)
        said = f"{out}: differs from the model by at most {difference:.1e} (of 0..1)"
        console.print(said, markup=False, soft_wrap=True)
