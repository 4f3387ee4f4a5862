"""Figures of the paper, to stand beside our own.

Gu, Ma, Kong, Qiao, Dong: "Networks are Slacking Off: Understanding Generalization Problem in Image Deraining", NeurIPS
2023, arXiv 2305.15134.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table2Row:
    """A training of the paper's Table 2, tested on the rain of Rain100L; backgrounds are natural photos.

    Attributes:
        network: family, as in `derain.networks.registry.NETWORKS`.
        count: number of training backgrounds.
        rain: range of the training rain.
        e_r: change where it rains, in grey levels; higher is better.
        e_b: error where it does not, in grey levels; lower is better.
        psnr: in dB; the paper does not say whether on RGB or on Y.
    """

    network: str
    count: int
    rain: str
    e_r: float
    e_b: float
    psnr: float


TABLE2 = (
    Table2Row("resnet", 30_000, "medium", 31.24, 10.79, 25.15),
    Table2Row("resnet", 64, "medium", 53.33, 25.02, 20.87),
    Table2Row("resnet", 256, "large", 45.64, 16.51, 24.30),
    Table2Row("resnet", 128, "large", 51.75, 23.53, 21.45),
    Table2Row("spdnet", 30_000, "medium", 33.63, 5.49, 30.51),
    Table2Row("spdnet", 512, "large", 39.88, 8.91, 28.57),
    Table2Row("spdnet", 256, "large", 38.87, 8.03, 29.40),
    Table2Row("spdnet", 128, "large", 43.20, 14.59, 25.67),
    Table2Row("rcdnet", 30_000, "medium", 26.55, 5.41, 28.54),
    Table2Row("rcdnet", 64, "medium", 45.47, 14.78, 25.32),
    Table2Row("rcdnet", 512, "large", 37.53, 7.16, 29.60),
    Table2Row("rcdnet", 256, "large", 40.40, 8.52, 29.08),
    Table2Row("rcdnet", 128, "large", 44.67, 13.72, 26.09),
)
