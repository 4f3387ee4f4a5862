"""The public names, frozen: one that goes or comes must be meant."""

import derain

PUBLIC = {
    *("InputError", "TrainingError", "generator"),
    *("list_images", "read_image", "write_image", "Pair", "match_pairs"),
    *("SMALL", "MEDIUM", "LARGE", "Rain", "RainRange"),
    *("compose", "load_rain", "rain_mask", "render_streaks", "synthesise"),
    *("ContentFilter", "PatchSet", "load_patches", "split_photos", "Objective"),
    *("NETWORKS", "Network", "build", "load_model", "load_official"),
    *("TrainingSettings", "train", "read_log", "TiledRestorer"),
    *("structural_complexity", "fourier_complexity", "complexity_of_images", "complexity_of_rain"),
    *("METRICS", "MetricSums", "measure", "Evaluation", "FolderRestorer", "NetworkRestorer", "evaluate"),
}


def test_the_public_names_are_these() -> None:
    assert set(derain.__all__) == PUBLIC
    assert all(getattr(derain, name) is not None for name in PUBLIC)
