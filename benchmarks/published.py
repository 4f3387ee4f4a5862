"""The networks of a folder of studies as float16 files to publish, and a list of what they are, with hashes.

    python -m benchmarks.published --results runs/campaign --out ../campaign-networks \\
        --listing docs/results/campaign/networks.json

Files are named after what the networks were trained on. The trainings' versions and settings stand in their headers.
Results whose networks are not in this folder are passed over; what the list holds of them stays.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import tyro

from benchmarks.campaign import finished
from derain.networks import load_model
from derain.networks.export import export_float16
from derain.study.run.store import Store
from derain.support.files import make_folder, write_json
from derain.training.checkpoint import MODEL


def main(results: Path, out: Path, listing: Path) -> None:
    """
    Args:
        results: folder of `derain study run`.
        out: for the networks.
        listing: JSON file for the list.
    """
    make_folder(out)
    store = Store(results)
    networks: dict[str, dict[str, Any]] = {}
    for identity, result in finished(store):
        if not (store.run(identity) / MODEL).exists():
            continue
        axes = result["axes"]
        rain = Path(axes["rain"]).stem
        name = f"{axes['category']}-{axes['count']}-{rain}-seed{axes['seed']}-{identity}.safetensors"
        difference = export_float16(*load_model(store.run(identity) / MODEL), out / name)
        content = (out / name).read_bytes()
        networks[name] = {
            "sha256": sha256(content).hexdigest(),
            "bytes": len(content),
            "training": axes,
            "largest_difference_levels": round(255 * difference, 3),
        }
    before = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else {}
    write_json(listing, dict(sorted((before | networks).items())))
    print(f"{len(networks)} networks in {out}, at most {max(n['bytes'] for n in networks.values()) / 1e6:.2f} MB each")


if __name__ == "__main__":
    tyro.cli(main)
