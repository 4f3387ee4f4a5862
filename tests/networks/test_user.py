"""Networks of the user's own: trained and measured by the same commands, faults named before a training starts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.networks import build, load_model, parse
from derain.networks.loading import model_hash
from derain.networks.registry import determined
from derain.pictures.images import write_image
from derain.training.loop import Progress, train
from derain.training.settings import TrainingSettings

HEADER = "import torch\nfrom torch import nn\n"
MINE = """
class Mine(nn.Module):
    size_multiple_px = 4

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 4, stride=4)
        self.up = nn.ConvTranspose2d(8, 3, 4, stride=4)

    def forward(self, rainy):
        return rainy + self.up(self.down(rainy).relu())
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(HEADER + MINE)
    return f"{tmp_path / 'mine.py'}:Mine"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for index in range(3):
        write_image(
            tmp_path / f"{index}.png", np.random.default_rng(index).integers(0, 256, (40, 40, 3)).astype(np.uint8)
        )
    return tmp_path


def test_it_is_built_padded_and_cropped(mine: str) -> None:
    network = build(*parse(mine)).eval()
    rainy = torch.rand(1, 3, 33, 50)
    assert network(rainy).shape == rainy.shape
    assert torch.equal(network(rainy)[..., :32, :48], network.module(rainy[..., :32, :48]))


@pytest.mark.slow
def test_it_is_trained_and_loaded_only_when_it_is_named(mine: str, photos: Path, tmp_path: Path) -> None:
    settings = TrainingSettings((photos,), 4, network=mine, iterations=3, batch_size=2, background_size=32)
    model = train(settings, tmp_path / "run")
    with pytest.raises(InputError, match=r"only in a command that names it: --network .*mine\.py:Mine"):
        load_model(model)
    network, header = load_model(model, mine)
    assert header["network"]["name"] == mine
    assert len(header["network"]["hyperparameters"]["sha256"]) == 64
    assert network(torch.rand(1, 3, 21, 30)).shape == (1, 3, 21, 30)
    changed = dataclasses.replace(settings, network=mine.replace("mine.py", "changed.py"))
    (tmp_path / "changed.py").write_text(HEADER + MINE + "# changed\n")
    with pytest.raises(InputError, match="was made with"):
        train(changed, tmp_path / "run")
    with pytest.raises(InputError, match=r"model\.safetensors was trained with other code than .*changed\.py:Mine has"):
        load_model(model, changed.network)


UNUSUAL = """
class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.{}

    def forward(self, rainy):
        return self.last(self.second(self.first(rainy)){})
"""


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ("unused = nn.Conv2d(3, 3, 1)", ""),
        ("first.weight.requires_grad = False", ""),
        ("second = self.first", ""),
        ("dropout = nn.Dropout(0.5)", ".relu() + self.dropout(rainy)"),
        ("second = nn.utils.spectral_norm(self.second)", ""),
        ("whole = nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False)", " * self.whole.min()"),
    ],
    ids=["unused", "frozen", "tied", "dropout", "spectral_norm", "integers"],
)
def test_what_is_unusual_in_it_is_resumed_to_the_same_bits(tmp_path: Path, photos: Path, made: str, used: str) -> None:
    (tmp_path / "mine.py").write_text(HEADER + UNUSUAL.format(made, used))
    mine = f"{tmp_path / 'mine.py'}:Mine"
    settings = TrainingSettings((photos,), 4, network=mine, iterations=6, batch_size=2, background_size=32)
    straight = train(settings, tmp_path / "straight")

    def stop(progress: Progress) -> None:
        if progress.iteration == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", checkpoint_every=2, report=stop)
    assert train(settings, tmp_path / "run").read_bytes() == straight.read_bytes()
    load_model(straight, mine)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class Mine: pass", r"Mine in .*mine\.py is no torch\.nn\.Module"),
        ("class Other(nn.Module): pass", r"mine\.py has no class Mine"),
        ("import sys\nsys.exit(0)", r"importing .*mine\.py calls sys\.exit"),
        ("import missing_package", r"mine\.py cannot be made: ModuleNotFoundError"),
        ("class Mine(nn.Module):\n    def __init__(self, width): super().__init__()", r"cannot be made: TypeError"),
        (
            "class Mine(nn.Conv2d):\n    def __init__(self): super().__init__(3, 3, 3)",
            r"makes \(3, 62, 62\) of .*\(3, 64, 64\)",
        ),
        ("class Mine(nn.Conv2d):\n    def __init__(self): super().__init__(3, 1, 1)", r"makes \(1, 64, 64\)"),
        ("class Mine(nn.Conv2d):\n    def __init__(self): super().__init__(4, 3, 1)", r"fails on a picture of 64 x 64"),
        (MINE.replace("return rainy +", "return rainy,"), r"mine\.py:Mine makes a tuple of a picture, not a tensor"),
        (
            MINE.replace("self.up =", "self.deep = nn.Conv3d(1, 1, 1)\n        self.up ="),
            r"mine\.py:Mine holds deep\.weight of five dimensions",
        ),
        (MINE.replace("size_multiple_px = 4", "pass"), r"fails on a picture of 70 x 45 pixels: RuntimeError"),
    ],
)
def test_faults_are_named_before_a_training_starts(tmp_path: Path, source: str, sentence: str) -> None:
    (tmp_path / "mine.py").write_text(HEADER + source)
    with pytest.raises(InputError, match=sentence):
        build(*parse(f"{tmp_path / 'mine.py'}:Mine"))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("size_multiple_px = 4", "size_multiple_px = 0", r"size_multiple_px of .*mine\.py:Mine must be a whole number"),
        ("size_multiple_px = 4", "size_multiple_px = 'four'", r"of at least 1, not 'four'"),
        (
            "return rainy + self.up(self.down(rainy).relu())",
            "return [rainy] if self.training else rainy",
            r"mine\.py:Mine cannot be trained on samples of 32 x 32 pixels: .*makes a list of a picture",
        ),
        ("self.down(rainy).relu())", "self.down(rainy).relu()).detach()", r"depends on no weight with a gradient"),
        (
            "return rainy",
            "assert not self.training, 'not ready'\n        return rainy",
            r"cannot be trained on samples of 32 x 32 pixels: AssertionError: not ready",
        ),
        (
            "return rainy",
            "n, c, h, w = rainy.shape\n        rainy.view(n * c, 1, h, w)\n        return rainy",
            r"cannot be trained on samples of 32 x 32 pixels: RuntimeError: view size is not compatible",
        ),
    ],
)
def test_faults_that_show_only_in_training_are_named_before_it_starts(
    tmp_path: Path, photos: Path, old: str, new: str, sentence: str
) -> None:
    (tmp_path / "mine.py").write_text(HEADER + MINE.replace(old, new))
    network = f"{tmp_path / 'mine.py'}:Mine"
    settings = TrainingSettings((photos,), 4, network=network, iterations=3, batch_size=2, background_size=32)
    with pytest.raises(InputError, match=sentence):
        train(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_need_work_only_on_the_size_that_it_is_trained_on(tmp_path: Path, photos: Path) -> None:
    padded = "self.up(self.down(nn.functional.pad(rainy, (34, 34, 34, 34), 'reflect')).relu())[..., 34:-34, 34:-34]"
    (tmp_path / "mine.py").write_text(HEADER + MINE.replace("self.up(self.down(rainy).relu())", padded))
    network = f"{tmp_path / 'mine.py'}:Mine"
    settings = TrainingSettings((photos,), 3, network=network, iterations=1, batch_size=2, background_size=40)
    train(settings, tmp_path / "run")


OWN_LOSS = """
    def own_loss(self, rainy, clean):
        return self(rainy).abs().mean()
"""


def own_loss_settings(folder: Path, photos: Path, own_loss: str) -> TrainingSettings:
    (folder / "mine.py").write_text(HEADER + MINE + own_loss)
    network = f"{folder / 'mine.py'}:Mine"
    return TrainingSettings(
        (photos,), 3, network=network, loss="own", iterations=60, batch_size=2, background_size=33, learning_rate=0.01
    )


@pytest.mark.slow
def test_its_own_loss_is_what_is_trained(tmp_path: Path, photos: Path) -> None:
    settings = own_loss_settings(tmp_path, photos, OWN_LOSS)
    rainy = torch.rand(1, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    darkening, _ = load_model(train(settings, tmp_path / "own"), settings.network)
    usual, _ = load_model(train(dataclasses.replace(settings, loss="l1"), tmp_path / "usual"), settings.network)
    with torch.no_grad():
        assert darkening(rainy).abs().mean() < 0.8 * usual(rainy).abs().mean()


def test_without_an_own_loss_it_is_l1(tmp_path: Path, photos: Path) -> None:
    settings = dataclasses.replace(own_loss_settings(tmp_path, photos, ""), iterations=3)
    own = load_model(train(settings, tmp_path / "own"), settings.network)[0].state_dict()
    usual = train(dataclasses.replace(settings, loss="l1"), tmp_path / "usual")
    assert all(
        torch.equal(tensor, own[name]) for name, tensor in load_model(usual, settings.network)[0].state_dict().items()
    )


@pytest.mark.parametrize(
    ("own_loss", "sentence"),
    [
        (
            OWN_LOSS.replace(".mean()", ""),
            r"cannot be trained on samples of 33 x 33 pixels: .* no tensor of a single number",
        ),
        (OWN_LOSS.replace("self(rainy)", "self.missing"), r"cannot be trained on samples of 33 x 33 pixels: Attribute"),
        (OWN_LOSS.replace("self(rainy)", "rainy"), r"mine\.py:Mine cannot be trained: its output depends on no weight"),
    ],
)
def test_faults_of_its_own_loss_are_named_before_a_training_starts(
    tmp_path: Path, photos: Path, own_loss: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        train(own_loss_settings(tmp_path, photos, own_loss), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the network in .*none\.py: No such file"):
        build(*parse(f"{tmp_path / 'none.py'}:Mine"))


def test_weights_are_not_loaded_into_another_class_of_the_file(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "mine.py").write_text(HEADER + MINE + "\n\nclass Other(Mine):\n    pass\n")
    mine, other = (f"{tmp_path / 'mine.py'}:{name}" for name in ("Mine", "Other"))
    settings = TrainingSettings((photos,), 4, network=mine, iterations=1, batch_size=2, background_size=32)
    model = train(settings, tmp_path / "run")
    with pytest.raises(InputError, match=r"holds the weights of .*mine\.py:Mine, not of .*mine\.py:Other"):
        load_model(model, other)
    with pytest.raises(InputError, match=r"run is a folder: its model is .*model\.safetensors"):
        load_model(tmp_path / "run", mine)


def two_files(folder: Path, factor: float) -> str:
    """A network whose factor stands in a file beside it, which is imported late, from a package without __init__.py."""
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    (folder / "parts" / "layers.py").write_text(f"FACTOR = {factor}\n")
    (folder / "mine.py").write_text(
        HEADER + "from parts.layers import FACTOR\n"
        "class Mine(nn.Conv2d):\n"
        "    def __init__(self, side=1): super().__init__(3, 3, side, padding=side // 2)\n"
        "    def forward(self, rainy):\n"
        "        from parts import layers\n"
        "        return super().forward(rainy) * 0 + rainy * layers.FACTOR\n"
    )
    return f"{folder / 'mine.py'}:Mine"


def test_each_of_two_networks_finds_the_files_beside_it_though_their_names_are_equal(tmp_path: Path) -> None:
    first, second = build(two_files(tmp_path / "a", 0.5)), build(two_files(tmp_path / "b", 0.25))
    rainy = torch.rand(1, 3, 8, 9)
    for network, factor in ((first, 0.5), (second, 0.25), (first, 0.5)):
        assert torch.allclose(network(rainy), rainy * factor)


def test_a_change_in_a_file_beside_it_is_noticed(tmp_path: Path, photos: Path) -> None:
    mine = two_files(tmp_path, 0.5)
    settings = TrainingSettings((photos,), 4, network=mine, iterations=1, batch_size=2, background_size=32)
    before, model = determined(mine), train(settings, tmp_path / "run")
    two_files(tmp_path, 0.125)
    determined.cache_clear()
    assert determined(mine) != before
    with pytest.raises(InputError, match=r"model\.safetensors was trained with other code than .*mine\.py:Mine has"):
        load_model(model, mine)
    with pytest.raises(InputError, match="was made with"):
        train(settings, tmp_path / "run")


def test_its_arguments_are_read_recorded_and_compared(tmp_path: Path, photos: Path) -> None:
    mine = two_files(tmp_path, 0.5)
    assert build(*parse(f"{mine}:side=5")).module.kernel_size == (5, 5)
    settings = TrainingSettings((photos,), 4, network=f"{mine}:side=5", iterations=1, batch_size=2, background_size=32)
    model = train(settings, tmp_path / "run")
    for named in (mine, f"{mine}:side=5"):
        network, header = load_model(model, named)
        assert network.module.kernel_size == (5, 5)
    assert header["network"]["hyperparameters"]["arguments"] == {"side": 5}
    with pytest.raises(InputError, match=r"holds the weights of .*mine\.py:Mine, not of .*:side=3"):
        load_model(model, f"{mine}:side=3")
    with pytest.raises(InputError, match=r"cannot be made: TypeError: .*unexpected keyword argument 'sides'"):
        build(*parse(f"{mine}:sides=3"))
    assert determined(f"{mine}:side=5") != determined(mine)


@pytest.mark.parametrize("wrapping", ["", "params", "params_ema", "state_dict"])
def test_weights_of_torch_save_are_loaded_into_a_class_that_is_named(mine: str, tmp_path: Path, wrapping: str) -> None:
    trained = build(mine).module.state_dict()
    tensors = {f"module.{name}": tensor for name, tensor in trained.items()}
    torch.save({wrapping: tensors, "epoch": 3} if wrapping else tensors, tmp_path / "theirs.pth")
    network, header = load_model(tmp_path / "theirs.pth", mine)
    assert all(torch.equal(tensor, trained[name]) for name, tensor in network.module.state_dict().items())
    assert header["network"]["name"] == mine
    before = model_hash(tmp_path / "theirs.pth", mine)
    Path(mine.removesuffix(":Mine")).write_text(HEADER + MINE + "# changed\n")
    determined.cache_clear()
    assert model_hash(tmp_path / "theirs.pth", mine) != before


def test_weights_of_torch_save_that_do_not_fit_the_class_are_named(mine: str, tmp_path: Path) -> None:
    torch.save({"params": {"other.weight": torch.zeros(3)}}, tmp_path / "theirs.pth")
    with pytest.raises(InputError, match=r"theirs\.pth does not hold the weights of .*mine\.py:Mine: .* is missing"):
        load_model(tmp_path / "theirs.pth", mine)
    with pytest.raises(InputError, match=r"as its class \(--network FILE\.py:CLASS --model FILE\.pth"):
        load_model(tmp_path / "theirs.pth")
