"""Separation of features by content or by rain, after the deep degradation representations of super-resolution.

Liu et al., "Discovering Distinctive 'Semantics' in Super-Resolution Networks", arXiv 2108.00406, flatten the features
of a deep layer, reduce them by PCA and then by t-SNE to two dimensions, and measure by the Calinski-Harabasz index how
far the points of different degradations lie apart. Here the index is taken for contents as well. Content and rain are
crossed, so the variance of the features themselves is also parted exactly: into what depends on the content alone, on
the rain alone, and on both together.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from derain.errors import InputError, needs_extra

_COMPONENTS, _PERPLEXITY = 50, 30.0


@dataclass(frozen=True, eq=False)
class Separation:
    """Separation of the features of crossed pictures.

    Attributes:
        of_content: share of the features' variance between contents, whatever the rain; 0..1.
        of_rain: share between rains, dry included, whatever the content.
        of_both: the rest: the answer to a rain that depends on the content.
        index_of_rain: Calinski-Harabasz index of the rains after PCA and t-SNE; higher is further apart.
        index_of_content: that of the contents.
        index_of_rain_pca: that of the rains after PCA alone, which no random start moves.
        index_of_content_pca: that of the contents.
        points: of the pictures after t-SNE.
    """

    of_content: float
    of_rain: float
    of_both: float
    index_of_rain: float
    index_of_content: float
    index_of_rain_pca: float
    index_of_content_pca: float
    points: Float64[np.ndarray, "contents rains 2"]

    def to_json(self) -> dict[str, object]:
        """All attributes by name."""
        return {**asdict(self), "points": self.points.round(3).tolist()}


def shares(features: Float[Tensor, "contents rains values"]) -> tuple[float, float, float]:
    """The shares of the variance of crossed features that depend on content, on rain, and on both together.

    Features that have nothing to do with either give (c - 1) / (c r - 1) and (r - 1) / (c r - 1) on average, for c
    contents and r rains.

    Raises:
        InputError: the features do not vary.

    >>> content, rain = torch.tensor([[[1.0, 0.0]], [[-1.0, 0.0]]]), torch.tensor([[[0.0, 3.0], [0.0, -3.0]]])
    >>> [round(share, 6) for share in shares(content + rain)]
    [0.1, 0.9, 0.0]
    """
    centred = features.double()
    centred = centred - centred.mean((0, 1))
    total = float((centred**2).sum())
    if not 0 < total < float("inf"):
        raise InputError("the features are alike for all pictures, or are not finite: take another --layer")
    content = float((centred.mean(1) ** 2).sum()) * features.shape[1] / total
    rain = float((centred.mean(0) ** 2).sum()) * features.shape[0] / total
    return content, rain, max(1 - content - rain, 0.0)


def separation(features: Float[Tensor, "contents rains values"], seed: int) -> Separation:
    """Part the features of crossed pictures by content and by rain.

    Args:
        features: those of every background, dry and under each rain.
        seed: of t-SNE.

    Raises:
        InputError: scikit-learn is not installed, or the features do not vary.
    """
    with needs_extra("explain", "the separation of features needs scikit-learn"):
        from sklearn.manifold import TSNE
        from sklearn.metrics import calinski_harabasz_score
    of_content, of_rain, of_both = shares(features)
    contents, rains, _ = features.shape
    principal = _principal(features.flatten(0, 1))
    # The exact method: its loops run in NumPy, which keeps to the threads that it is given.
    perplexity = min(_PERPLEXITY, (len(principal) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="pca", method="exact", random_state=seed)
    points = np.asarray(tsne.fit_transform(principal), np.float64)
    by_content, by_rain = (labels.ravel() for labels in np.indices((contents, rains)))

    def index(values: Float64[np.ndarray, "n _"], labels: Int64[np.ndarray, " n"]) -> float:
        return float(calinski_harabasz_score(values, labels))

    return Separation(
        of_content, of_rain, of_both,
        index(points, by_rain), index(points, by_content), index(principal, by_rain), index(principal, by_content),
        points.reshape(contents, rains, 2),
    )  # fmt: skip


def _principal(features: Float[Tensor, "n values"]) -> Float64[np.ndarray, "n _"]:
    """The first principal components, by the products of pictures, which are far fewer than values."""
    centred = (features - features.mean(0)).double()
    variances, vectors = torch.linalg.eigh(centred @ centred.T)
    components = vectors.flip(1) * variances.flip(0).clamp_min(0).sqrt()
    return np.ascontiguousarray(components.numpy()[:, : min(_COMPONENTS, len(features) - 1)])
