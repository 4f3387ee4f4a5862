"""Many files: what is found, what is done, what is not done twice, and what goes wrong."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from derain.errors import InputError
from derain.networks.user import UserNetwork
from derain.pictures.images import read_image, write_image
from derain.restoration import Outcome, TiledRestorer, Writing, find_files, restore_files
from derain.restoration.manifest import Manifest


class Halving(nn.Module):
    """Counts what it restores."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        self.calls += rainy.shape[-1] != 64  # the probe for the memory
        return rainy / 2


@pytest.fixture
def network() -> Halving:
    return Halving()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for level, name in enumerate(("a.png", "b.png", "c.bmp"), 50):
        Image.new("RGB", (9, 7), (2 * level,) * 3).save(folder / name)
    return folder


def restore(network: nn.Module, inputs: list[Path], out: Path, strength: float = 1.0, **writing: object) -> Outcome:
    restorer = TiledRestorer(network, strength=strength)
    return restore_files(find_files(inputs, out), restorer, "hash", Writing(out, **writing))


def test_results_are_not_among_what_a_pattern_matches(network: Halving, photos: Path) -> None:
    pattern, out = photos / "**" / "*.*", photos / "restored"
    assert restore(network, [pattern], out, compare=True) == Outcome(3, 0, 0)
    assert restore(network, [pattern], out, compare=True) == Outcome(0, 3, 0)
    Image.new("RGB", (9, 7)).save(out / "mine.png")
    with pytest.raises(InputError, match=r"mine\.png lies in the folder for the results"):
        restore(network, [pattern], out)


def test_links_and_folders_with_names_of_pictures(
    network: Halving, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "album.jpg").mkdir()
    (photos / "link.png").symlink_to("a.png")
    (photos / "loop.png").symlink_to("loop.png")
    (photos / "broken.png").symlink_to("nowhere.png")
    (tmp_path / "same").symlink_to(photos)
    assert restore(network, [photos, tmp_path / "same"], tmp_path / "out") == Outcome(4, 0, 2)
    assert {"a.png", "link.png"} < {path.name for path in (tmp_path / "out").iterdir()}
    assert "broken.png" in caplog.text
    assert "loop.png" in caplog.text
    assert not any("album.jpg" in record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
    assert "left out: folders, as --recursive was not given: 1 (album.jpg)" in caplog.text


def test_the_tree_of_folders_is_kept_and_done_once(network: Halving, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for folder in ("x", "y"):
        (photos / folder / "z").mkdir(parents=True)
        Image.new("RGB", (9, 7), (200,) * 3).save(photos / folder / "z" / "a.png")
    files = find_files([photos], out, recursive=True)
    writing = Writing(out, compare=True, report=True, tree=(photos,))
    restorer = TiledRestorer(network)
    assert restore_files(files, restorer, "hash", writing).restored == 5
    assert restore_files(files, restorer, "hash", writing).skipped == 5
    for result in ("a.png", "x/z/a.png", "y/z/a.png"):
        assert read_image(out / result).max() in (50, 100)
        assert (out / f"{result}.compare.jpg").exists()
    assert 'src="x/z/a.png.report.jpg"' in (out / "report.html").read_text()
    assert (out / "x" / "z" / "a.png.report.jpg").exists()
    with pytest.raises(InputError, match=r"no photo or video matches .*\*\.png"):
        find_files([out / "**" / "*.png"], out)


def test_raw_files_are_restored_as_jpeg_beside_the_cameras_own(
    network: Halving, write_dng: Callable[..., None], tmp_path: Path
) -> None:
    write_dng(tmp_path / "IMG_1.DNG")
    Image.new("RGB", (96, 64), (200,) * 3).save(tmp_path / "IMG_1.jpg")
    assert restore(network, [tmp_path], tmp_path / "out", compare=True) == Outcome(2, 0, 0)
    with Image.open(tmp_path / "out" / "IMG_1.DNG.jpg") as result:
        assert (result.format, result.size) == ("JPEG", (96, 64))
    assert (tmp_path / "out" / "IMG_1.DNG.jpg.compare.jpg").exists()
    assert restore(network, [tmp_path], tmp_path / "out", compare=True) == Outcome(0, 2, 0)


def test_results_keep_their_names(network: Halving, photos: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    outcome = restore_files(
        find_files([photos]), TiledRestorer(network), "hash", Writing(tmp_path / "out"),
        report=lambda done, files: steps.append((done, files)),
    )  # fmt: skip
    assert outcome == Outcome(restored=3, skipped=0, failed=0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "c.bmp", "restored.json"]
    assert [int(read_image(tmp_path / "out" / name).max()) for name in ("a.png", "b.png", "c.bmp")] == [50, 51, 52]
    assert steps == [(done, 3) for done in range(4)]


def test_what_is_done_is_not_done_again(network: Halving, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    restore(network, [photos], out)
    assert restore(network, [photos], out) == Outcome(0, 3, 0)
    assert network.calls == 3
    os.utime(photos / "a.png", ns=(0, 0))
    (out / "b.png").unlink()
    assert restore(network, [photos], out) == Outcome(2, 1, 0, replaced=1)
    assert restore(network, [photos], out, quality=80) == Outcome(3, 0, 0, replaced=3)
    assert restore(network, [photos], out, quality=80, compare=True) == Outcome(3, 0, 0)
    assert restore(network, [photos], out, strength=0.5, quality=80) == Outcome(3, 0, 0, replaced=3)
    assert read_image(out / "a.png").max() == 75
    another_model = restore_files(find_files([photos]), TiledRestorer(network), "other", Writing(out))
    assert another_model == Outcome(3, 0, 0, replaced=3)


def test_a_second_run_into_a_folder_waits_for_its_own(network: Halving, photos: Path, tmp_path: Path) -> None:
    class Impatient(Halving):
        """Restores other photos into the same folder while it restores one."""

        def forward(self, rainy: torch.Tensor) -> torch.Tensor:
            with pytest.raises(InputError, match=r"another derain restore is at work in .*out"):
                restore(network, [photos / "b.png"], tmp_path / "out")
            return super().forward(rainy)

    restorer = TiledRestorer(Impatient(), tile_px=200)
    assert restore_files([photos / "a.png"], restorer, "hash", Writing(tmp_path / "out")) == Outcome(1, 0, 0)
    assert restore(network, [photos / "b.png"], tmp_path / "out") == Outcome(1, 0, 0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "restored.json"]


def test_results_among_the_photos_that_a_shell_found_are_left_out(network: Halving, photos: Path) -> None:
    out = photos / "restored"
    restore(network, [photos], out)
    assert restore(network, sorted(photos.iterdir()), out) == Outcome(0, 3, 0)  # photos/* has the results' folder, too
    with pytest.raises(InputError, match="restored holds results of derain restore alone"):
        find_files([out], out)


def test_what_a_killed_run_left_half_written_goes_with_the_next(network: Halving, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    Manifest(out).claim(["a.png"])
    (out / ".a.png.0123abcd").write_bytes(b"half of a pict")
    (out / ".a.png.of-somebody-else").write_bytes(b"")
    assert restore(network, [photos / "a.png"], out) == Outcome(1, 0, 0)
    assert {path.name for path in out.iterdir()} == {"a.png", "restored.json", ".a.png.of-somebody-else"}


def test_what_fails_unexpectedly_with_the_last_photo_is_not_counted_as_restored(
    network: Halving, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("derain.restoration.batch.encode_photo", fail)
    with pytest.raises(RuntimeError, match="unforeseen"):
        restore(network, [photos / "a.png"], tmp_path / "out")


def test_a_photo_of_another_folder_does_not_take_the_place_of_a_result(photos: Path, tmp_path: Path) -> None:
    """Cameras count from one in every folder, and copies may have equal sizes and times."""
    others, out = tmp_path / "others", tmp_path / "out"
    others.mkdir()
    first = photos / "a.png"
    write_image(others / "a.png", 255 - read_image(first))
    restore(Halving(), [first], out)
    before = (out / "a.png").read_bytes()
    with pytest.raises(InputError, match=r"out.a\.png was made of .*photos.a\.png, not of .*others.a\.png"):
        restore(Halving(), [others / "a.png"], out)
    assert (out / "a.png").read_bytes() == before
    first.unlink()  # it may have been moved
    assert restore(Halving(), [others / "a.png"], out).restored == 1


def test_a_grey_photo_is_reported_on_as_it_is_written(photos: Path, tmp_path: Path) -> None:
    class Reddening(nn.Module):
        def forward(self, rainy: torch.Tensor) -> torch.Tensor:
            return rainy * torch.tensor([1.0, 0.5, 0.5])[:, None, None]

    for mode in ("L", "RGB"):
        Image.new("L", (9, 7), 100).convert(mode).save(photos / f"{mode}.png")
        restore(Reddening(), [photos / f"{mode}.png"], tmp_path / mode, report=True)
        changes = json.loads((tmp_path / mode / "restored.json").read_text())["changes"][f"{mode}.png"]
        assert changes["unlike_rain"] == 0
        with Image.open(tmp_path / mode / f"{mode}.png") as result:
            assert result.mode == mode
            assert (np.ptp(np.asarray(result.convert("RGB")), axis=2) == 0).all()


def test_code_of_ones_own_that_fails_is_a_sentence_with_the_photo(
    photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Small(nn.Module):
        def forward(self, rainy: torch.Tensor) -> torch.Tensor:
            if rainy.shape[-1] == 9:
                raise RuntimeError("only large pictures")
            return rainy

    assert restore(UserNetwork(Small(), "hash"), [photos / "a.png"], tmp_path / "out") == Outcome(0, 0, 1)
    assert "a.png: the code of Small fails: RuntimeError: only large pictures" in caplog.text


def test_comparisons_stand_beside_the_results(network: Halving, photos: Path, tmp_path: Path) -> None:
    restore(network, [photos / "a.png"], tmp_path / "out", compare=True)
    strip = np.asarray(Image.open(tmp_path / "out" / "a.png.compare.jpg")).astype(int)
    assert abs(strip[3, 2, 0] - 100) <= 3
    assert abs(strip[3, -3, 0] - 50) <= 3


def test_bad_files_have_a_sentence_each_and_the_others_go_on(
    network: Halving, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "a.png").write_bytes((photos / "a.png").read_bytes()[:45])
    (photos / "text.jpg").write_text("hello")
    (photos / "text.mp4").write_text("hello")
    Image.new("RGB", (8, 8)).save(photos / "moving.png", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    Image.new("RGB", (1, 1), (80, 80, 80)).save(photos / "one.png")
    Image.new("RGB", (500, 500)).save(photos / "large.png")
    files = [*find_files([photos]), photos / "missing.png", tmp_path / "no folder" / "b2.png"]
    with caplog.at_level(logging.ERROR, logger="derain"):
        outcome = restore_files(files, TiledRestorer(network), "hash", Writing(tmp_path / "out"), max_pixels=10_000)
    assert outcome == Outcome(restored=3, skipped=0, failed=7)
    for name in ("a.png", "text.jpg", "text.mp4", "moving.png", "large.png", "missing.png", "b2.png"):
        assert [name in record.getMessage() for record in caplog.records].count(True) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.png", "c.bmp", "one.png", "restored.json"]
    assert read_image(tmp_path / "out" / "one.png").tolist() == [[[40, 40, 40]]]


def test_a_video_of_another_kind_stops_no_other(
    network: Halving, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "film.flv").write_bytes(b"FLV\1\5" + bytes(50))
    assert restore(network, [photos / "film.flv", photos / "a.png"], tmp_path / "out") == Outcome(1, 0, 1)
    assert "film.flv is a video of a kind that is not read" in caplog.text


def test_a_refused_film_is_not_said_to_be_written(
    network: Halving, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "film.avi").write_bytes((photos / "a.png").read_bytes())
    assert restore(network, [photos / "film.avi"], tmp_path / "out") == Outcome(0, 0, 1)
    assert "film.avi is a picture" in caplog.text
    assert "written as MKV" not in caplog.text


def test_a_result_that_cannot_be_written_stops_no_other(
    network: Halving, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derain.restoration import batch

    def full(path: Path, data: bytes) -> None:
        if path.name == "b.png":
            raise InputError(f"cannot write {path}: No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(batch, "write_bytes", full)
    assert restore(network, [photos], tmp_path / "out") == Outcome(restored=2, skipped=0, failed=1)
    assert "b.png: No space left on device" in caplog.text


def test_a_network_that_gives_nan_fails_every_file_by_name(
    photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(nn.Module):
        def forward(self, rainy: torch.Tensor) -> torch.Tensor:
            return rainy * float("nan")

    assert restore(Broken(), [photos], tmp_path / "out").failed == 3
    assert all(name in caplog.text for name in ("a.png: the network gives NaN", "b.png", "c.bmp"))


def test_originals_and_strangers_are_not_overwritten(network: Halving, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png lies in the folder for the results"):
        restore(network, [photos], photos / ".." / "photos")
    (tmp_path / "link").symlink_to(photos)
    with pytest.raises(InputError, match=r"lies in the folder for the results"):
        restore(network, [photos], tmp_path / "link")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"b\.png is no result of derain restore"):
        restore(network, [photos], tmp_path / "out")
    assert (tmp_path / "out" / "b.png").read_bytes() == b"mine"
    assert network.calls == 0


def test_a_link_that_leads_nowhere_is_not_overwritten(network: Halving, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"b\.png is no result of derain restore"):
        restore(network, [photos], tmp_path / "out")
    assert (tmp_path / "out" / "b.png").is_symlink()


def test_the_name_of_a_photo_that_failed_stays_free(network: Halving, photos: Path, tmp_path: Path) -> None:
    whole = (photos / "a.png").read_bytes()
    (photos / "a.png").write_bytes(b"no picture")
    assert restore(network, [photos], tmp_path / "out").failed == 1
    (tmp_path / "out" / "a.png").write_bytes(b"mine")
    (photos / "a.png").write_bytes(whole)
    with pytest.raises(InputError, match=r"a\.png is no result of derain restore"):
        restore(network, [photos], tmp_path / "out")
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"


def test_a_result_that_was_changed_is_not_overwritten(network: Halving, photos: Path, tmp_path: Path) -> None:
    restore(network, [photos], tmp_path / "out")
    (tmp_path / "out" / "a.png").write_bytes(b"mine")
    assert restore(network, [photos], tmp_path / "out") == Outcome(0, 3, 0)
    with pytest.raises(InputError, match=r"a\.png was changed after derain restore wrote it"):
        restore(network, [photos], tmp_path / "out", strength=0.5)
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"
    (tmp_path / "out" / "a.png").unlink()
    assert restore(network, [photos], tmp_path / "out", strength=0.5) == Outcome(3, 0, 0, replaced=2)


def test_two_files_of_one_name_are_refused_before_anything_is_done(
    network: Halving, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.png").write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(InputError, match=r"photos/a\.png and .*more/a\.png would both be written to"):
        restore(network, [photos, tmp_path / "more"], tmp_path / "out")
    assert network.calls == 0


@pytest.mark.parametrize(("name", "other"), [("IMG_1.PNG", "img_1.png"), ("caf\u00e9.png", "cafe\u0301.png")])
def test_names_that_some_file_system_takes_for_one_are_refused_before_anything_is_done(
    network: Halving, photos: Path, tmp_path: Path, name: str, other: str
) -> None:
    for folder, each in (("x", name), ("y", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / each).write_bytes((photos / "a.png").read_bytes())
    with pytest.raises(InputError, match=rf"x/{name} and .*y/{other} would both be written to"):
        restore(network, [tmp_path / "x", tmp_path / "y"], tmp_path / "out")
    assert network.calls == 0
    assert restore(network, [tmp_path / "x"], tmp_path / "out") == Outcome(1, 0, 0)
    with pytest.raises(InputError, match=f"{name} is there, and {other} differs from it only in case or Unicode form"):
        restore(network, [tmp_path / "y"], tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name, "restored.json"}


def test_settings_out_of_range_are_refused(network: Halving, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="quality must be from 1 to 100, not 101"):
        restore(network, [photos], tmp_path / "out", quality=101)
    with pytest.raises(InputError, match=r"smoothing must lie between 0 and 1, not 1\.5"):
        restore(network, [photos], tmp_path / "out", smoothing=1.5)


def test_a_place_that_cannot_be_written_is_named(network: Halving, photos: Path) -> None:
    with pytest.raises(InputError, match="cannot write into the folder /proc/out"):
        restore(network, [photos], Path("/proc/out"))


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 7, "results": {}}'])
def test_a_foreign_manifest_is_not_overwritten(network: Halving, photos: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "restored.json").write_text(content)
    with pytest.raises(InputError, match=r"restored\.json was not written by this version"):
        restore(network, [photos], tmp_path)
    assert (tmp_path / "restored.json").read_text() == content


def test_an_interruption_keeps_what_is_done(network: Halving, photos: Path, tmp_path: Path) -> None:
    def interrupt(done: int, files: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_files(find_files([photos]), TiledRestorer(network), "hash", Writing(tmp_path / "out"), report=interrupt)
    results = json.loads((tmp_path / "out" / "restored.json").read_text())["results"]
    assert [name for name, made in results.items() if made] == ["a.png", "b.png"]
    assert restore(network, [photos], tmp_path / "out") == Outcome(1, 2, 0)


def test_what_a_killed_run_left_is_written_again(network: Halving, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    restore(network, [photos], out)
    Manifest(out).claim(["a.png"])  # and then it was killed, before it noted what it had written
    (out / "a.png").write_bytes(b"by the other settings")
    assert restore(network, [photos], out, strength=0.5) == Outcome(3, 0, 0, replaced=3)
    assert read_image(out / "a.png").max() == 75


def test_videos_are_restored_among_the_photos(network: Halving, photos: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(photos / "bb.mp4"), "w") as writer:
        stream = writer.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for _ in range(5):
            writer.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 48, 3), 100, np.uint8), format="rgb24")))
        writer.mux(stream.encode(None))
    frames: list[tuple[str, int, int]] = []
    outcome = restore_files(
        find_files([photos]), TiledRestorer(network), "hash", Writing(tmp_path / "out", compare=True, smoothing=0.5),
        report_parts=lambda file, done, total: frames.append((file.name, done, total)),
    )  # fmt: skip
    assert outcome == Outcome(4, 0, 0)
    assert [frame for frame in frames if frame[0] == "bb.mp4"] == [("bb.mp4", done, 5) for done in range(1, 6)]
    with av.open(str(tmp_path / "out" / "bb.mp4")) as reader:
        levels = [frame.to_ndarray(format="rgb24").mean() for frame in reader.decode(video=0)]
    assert levels == pytest.approx([50] * 5, abs=3)
    assert restore(network, [photos], tmp_path / "out", compare=True, smoothing=0.5) == Outcome(0, 4, 0)
    assert restore(network, [photos], tmp_path / "out", compare=True, smoothing=0.2) == Outcome(1, 3, 0, replaced=1)


def test_the_report_shows_every_photo_and_goes_on_with_the_rest(network: Halving, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = restore(network, [photos / "a.png"], out, report=True)
    assert (first.restored, first.warned) == (1, 0)  # half the light of grey pictures is taken away
    calls = network.calls
    second = restore(network, [photos], out, report=True)
    assert (second.restored, second.skipped) == (2, 1)
    assert network.calls == calls + 2
    page = (out / "report.html").read_text()
    for name in ("a.png", "b.png", "c.bmp"):
        assert f'src="{name}.report.jpg"' in page
        assert read_image(out / f"{name}.report.jpg").shape == (7, 3 * 9 + 2 * 4, 3)
    assert "3 photos, none of them with a warning" in page


def test_the_report_warns_of_what_is_left_alone_and_leaves_out_what_failed(photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").write_bytes(b"no picture")
    outcome = restore(nn.Identity(), [photos], tmp_path / "out", report=True)
    assert (outcome.failed, outcome.warned) == (1, 2)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Hardly anything was taken away" in page
    assert "a.png" not in page


def test_a_report_of_somebody_else_is_not_overwritten(network: Halving, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").write_text("mine")
    with pytest.raises(InputError, match=r"report\.html is no result"):
        restore(network, [photos], tmp_path / "out", report=True)
    assert (tmp_path / "out" / "report.html").read_text() == "mine"


def test_long_names_and_names_that_are_no_text(
    network: Halving, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    longest, no_text, too_long = "雨" * 80 + ".png", os.fsdecode(b"caf\xe9.png"), "x" * 300 + ".png"
    (photos / "a.png").rename(photos / longest)
    (photos / "b.png").rename(photos / no_text)
    out = tmp_path / "out"
    assert restore(network, [photos, photos / too_long], out) == Outcome(3, 0, 1)
    assert "File name too long" in caplog.text
    assert {longest, no_text} < {path.name for path in out.iterdir()}
    restore(network, [photos / no_text], out, report=True)
    assert 'src="caf%E9.png.report.jpg"' in (out / "report.html").read_text()
