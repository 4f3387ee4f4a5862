"""Patch sets follow the rule: photo by photo, prefixes of each other, reproducible, split by photo."""

import logging
import random
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from derain.errors import InputError
from derain.pictures.backgrounds import ContentFilter, PatchSet, load_patches, split_photos
from derain.pictures.images import list_images, read_image, write_image

SIZE = 16


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Ten photos of noise, of 3 to 12 cuts of 16x16 without overlap: 69 in all."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(10):
        path = tmp_path / f"{number}.png"
        height, width = (50, 64) if number % 3 == 0 else (17, 50) if number % 3 == 1 else (40, 40)
        write_image(path, rng.integers(0, 240, (height, width, 3), dtype=np.uint8))
        paths.append(path)
    return paths


def _assert_cut_from(photos: list[Path], patch_set: PatchSet) -> None:
    images = {path.name: read_image(path) for path in photos}
    size = patch_set.patches.shape[-1]
    for patch, (name, top, left) in zip(patch_set.patches, patch_set.sources, strict=True):
        assert np.array_equal(patch.transpose(1, 2, 0), images[name][top : top + size, left : left + size])


def _overlap(a: tuple[str, int, int], b: tuple[str, int, int]) -> bool:
    return a[0] == b[0] and abs(a[1] - b[1]) < SIZE and abs(a[2] - b[2]) < SIZE


@pytest.mark.parametrize("content_filter", [None, ContentFilter()])
def test_patches_are_where_their_sources_say(photos: list[Path], content_filter: ContentFilter | None) -> None:
    patch_set = load_patches(photos, 150, SIZE, seed=3, content_filter=content_filter)
    assert patch_set.patches.shape == (150, 3, SIZE, SIZE)
    assert patch_set.photos == 10
    assert len(set(patch_set.sources)) == 150
    _assert_cut_from(photos, patch_set)


def test_photos_take_turns(photos: list[Path]) -> None:
    assert load_patches(photos, 8, SIZE, seed=0).photos == 8
    sources = load_patches(photos, 30, SIZE, seed=0).sources
    rounds = [[source.photo for source in sources[start : start + 10]] for start in (0, 10, 20)]
    assert set(rounds[0]) == {path.name for path in photos}
    assert rounds[0] == rounds[1] == rounds[2]


def test_cuts_overlap_only_when_no_others_are_left(photos: list[Path]) -> None:
    sources = load_patches(photos, 70, SIZE, seed=0).sources
    apart = sources[:69]
    assert not any(_overlap(a, b) for number, a in enumerate(apart) for b in apart[:number])
    assert any(_overlap(sources[69], source) for source in apart)


@pytest.mark.parametrize("content_filter", [None, ContentFilter(min_std=46.5)])
def test_a_set_is_a_prefix_of_every_larger_one(photos: list[Path], content_filter: ContentFilter | None) -> None:
    largest = load_patches(photos, 200, SIZE, 5, content_filter)
    for count in (1, 8, 37, 64, 68, 69, 70, 128):
        smaller = load_patches(photos, count, SIZE, 5, content_filter)
        assert smaller.sources == largest.sources[:count]
        assert np.array_equal(smaller.patches, largest.patches[:count])


def test_the_filter_of_the_prefix_test_refuses_some_and_not_all(photos: list[Path]) -> None:
    patches = load_patches(photos, 69, SIZE, 5).patches
    accepted = [ContentFilter(min_std=46.5).accepts(patch.transpose(1, 2, 0)) for patch in patches]
    assert 10 < sum(accepted) < 59


def test_the_seed_decides_and_the_order_of_the_list_does_not(photos: list[Path]) -> None:
    shuffled = random.Random(0).sample(photos, len(photos))
    first = load_patches(photos, 20, SIZE, seed=1)
    assert load_patches(shuffled, 20, SIZE, seed=1).content_hash == first.content_hash
    assert load_patches(photos, 20, SIZE, seed=2).content_hash != first.content_hash
    assert load_patches(photos, 19, SIZE, seed=1).content_hash != first.content_hash


def test_the_same_photos_elsewhere_give_the_same_set(photos: list[Path], tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for path in photos:
        (copies / path.name).write_bytes(path.read_bytes())
    assert (
        load_patches(list_images(copies), 20, SIZE, seed=1).content_hash
        == load_patches(photos, 20, SIZE, seed=1).content_hash
    )


def test_every_position_can_be_cut_and_not_one_more(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.random.default_rng(0).integers(0, 256, (18, 19, 3), dtype=np.uint8))
    sources = load_patches([path], 12, SIZE, seed=0).sources
    assert {(source.top, source.left) for source in sources} == {(top, left) for top in range(3) for left in range(4)}
    with pytest.raises(InputError, match="only 12 patches of 16 x 16 pixels can be cut from 1 photos, not 13"):
        load_patches([path], 13, SIZE, seed=0)


def test_a_photo_of_exactly_the_patch_size_gives_itself(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    write_image(tmp_path / "a.png", image)
    assert np.array_equal(load_patches([tmp_path / "a.png"], 1, SIZE, seed=0).patches[0].transpose(1, 2, 0), image)


def test_unused_photos_are_not_counted(photos: list[Path]) -> None:
    assert load_patches(photos, 3, SIZE, seed=0).photos == 3


def test_the_filter_keeps_blank_paper_out(photos: list[Path], tmp_path: Path) -> None:
    half = np.random.default_rng(0).integers(0, 240, (64, 64, 3), dtype=np.uint8)
    half[:, 24:] = 255
    write_image(tmp_path / "half.png", half)
    write_image(tmp_path / "blank.png", np.full((80, 80, 3), 255, np.uint8))
    everything = [*photos, tmp_path / "half.png", tmp_path / "blank.png"]

    plain = load_patches(everything, 100, SIZE, seed=0)
    assert plain.photos == 12
    chosen = ContentFilter()
    patch_set = load_patches(everything, 100, SIZE, 0, chosen)
    assert all(chosen.accepts(patch.transpose(1, 2, 0)) for patch in patch_set.patches)
    assert patch_set.photos == 11
    per_photo = Counter(source.photo for source in patch_set.sources)
    assert per_photo["half.png"] > 0
    assert per_photo["blank.png"] == 0
    _assert_cut_from(everything, patch_set)


def test_what_the_filter_refuses() -> None:
    noise = np.random.default_rng(0).integers(0, 240, (SIZE, SIZE, 3), dtype=np.uint8)
    paper = noise.copy()
    paper[: SIZE // 2 + 1] = 255
    assert ContentFilter().accepts(noise)
    assert not ContentFilter().accepts(paper)
    assert ContentFilter(max_white=0.6).accepts(paper)
    assert not ContentFilter(min_std=120.0).accepts(noise)
    for wrong in ({"min_std": -1.0}, {"max_white": 50.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            ContentFilter(**wrong)


def test_a_filter_that_leaves_too_little_says_how_much(tmp_path: Path) -> None:
    image = np.full((40, 40, 3), 255, np.uint8)
    image[:SIZE, :SIZE] = np.random.default_rng(0).integers(0, 240, (SIZE, SIZE, 3))
    write_image(tmp_path / "a.png", image)
    strict = ContentFilter(max_white=0.0)
    with pytest.raises(InputError, match="at most 1 patches of 16 x 16 pixels can be cut from 1 photos, not 2"):
        load_patches([tmp_path / "a.png"], 2, SIZE, 0, strict)
    write_image(tmp_path / "a.png", np.full((40, 40, 3), 255, np.uint8))
    with pytest.raises(InputError, match="at most 0 patches"):
        load_patches([tmp_path / "a.png"], 1, SIZE, 0, strict)


def _spoil(folder: Path, photos: list[Path]) -> list[Path]:
    truncated, fake, small = folder / "truncated.png", folder / "fake.png", folder / "small.png"
    truncated.write_bytes(photos[0].read_bytes()[:3000])
    fake.write_text("no picture")
    write_image(small, np.zeros((40, SIZE - 1, 3), np.uint8))
    return [truncated, fake, small]


def test_bad_photos_are_named(photos: list[Path], tmp_path: Path) -> None:
    for path, cause in zip(
        _spoil(tmp_path, photos), ["truncated", "is not an image", "15 x 40 pixels, less than a patch"], strict=True
    ):
        with pytest.raises(InputError, match=rf"{path.name}.*{cause}"):
            load_patches([*photos, path], 64, SIZE, seed=0)


def test_bad_photos_are_left_out_on_request(
    photos: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = _spoil(tmp_path, photos)
    everything = [*photos, *bad]
    with caplog.at_level(logging.WARNING, logger="derain"):
        largest = load_patches(everything, 128, SIZE, seed=0, skip_bad=True)
    assert [sum(path.name in record.getMessage() for record in caplog.records) for path in bad] == [1, 1, 1]
    assert largest.photos == 10
    _assert_cut_from(photos, largest)
    for count in (1, 5, 12, 64):
        assert load_patches(everything, count, SIZE, 0, skip_bad=True).sources == largest.sources[:count]


def test_more_than_memory_holds_is_named(tmp_path: Path) -> None:
    side = 2_000_000_000
    header = struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, *[0] * 6)
    (tmp_path / "huge.bmp").write_bytes(header)
    with pytest.raises(InputError, match=r"1000000000000000 patches of 16 x 16 pixels need \d+\.\d GiB of memory"):
        load_patches([tmp_path / "huge.bmp"], 10**15, SIZE, seed=0)


def test_nothing_to_cut_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only 0 patches"):
        load_patches([], 1, SIZE, seed=0)
    with pytest.raises(InputError, match="at least 1"):
        load_patches([], 0, SIZE, seed=0)


def test_photos_are_split_whole() -> None:
    photos = [Path(f"{number}.png") for number in range(20)]
    training, held_out = split_photos(photos, 5, seed=0)
    assert len(held_out) == 5
    assert set(training) | set(held_out) == set(photos)
    assert not set(training) & set(held_out)
    assert split_photos(photos[::-1], 5, seed=0) == (training, held_out)
    assert split_photos(photos, 5, seed=1) != (training, held_out)
    assert set(held_out) < set(split_photos(photos, 8, seed=0)[1])
    # A photo that is listed twice must not end up on both sides.
    assert split_photos(photos * 2, 5, seed=0) == (training, held_out)


@pytest.mark.parametrize("held_out", [-1, 20, 21])
def test_something_must_be_left_to_train_on(held_out: int) -> None:
    with pytest.raises(InputError, match=f"cannot hold out {held_out} of 20 photos"):
        split_photos([Path(f"{number}.png") for number in range(20)], held_out, seed=0)


@pytest.mark.slow
def test_memory_is_the_result_and_one_photo(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(20):
        write_image(tmp_path / f"{number}.png", rng.integers(0, 256, (700, 700, 3), dtype=np.uint8))
    program = """
import resource, sys
from pathlib import Path
from derain.pictures.backgrounds import load_patches
from derain.pictures.images import list_images
kib = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photos = list_images(Path(sys.argv[1]))
load_patches(photos, 20, 128, 0)
before = kib()
patch_set = load_patches(photos, 4000, 128, 0)
print((kib() - before) * 1024 / patch_set.patches.nbytes, "torch" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    growth, torch_imported = answer.stdout.split()
    assert float(growth) < 1.15
    assert torch_imported == "False"


def test_real_photos(data: Path) -> None:
    photos = list_images(data / "natural" / "train")
    patch_set = load_patches(photos, 512, 128, seed=0)
    assert patch_set.photos == min(512, len(photos))
    assert load_patches(photos, 64, 128, seed=0).sources == patch_set.sources[:64]


def test_comics_without_white_paper(data: Path) -> None:
    photos = list_images(data / "comics" / "train")
    paper = ContentFilter()
    plain = load_patches(photos, 128, 128, seed=0).patches
    chosen = load_patches(photos, 128, 128, 0, paper).patches
    assert sum(paper.accepts(patch.transpose(1, 2, 0)) for patch in plain) < 100
    assert all(paper.accepts(patch.transpose(1, 2, 0)) for patch in chosen)
