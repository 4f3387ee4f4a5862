"""Questions that can be asked, and those refused."""

import subprocess
import sys
from typing import Any

import pytest

from derain.errors import InputError
from derain.probe.maps import rain_maps
from derain.probe.space import COARSE, FULL, ProbeSpace


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"widths": (3, 4)}, r"width must be odd .* not \(4,\)"),
        ({"quantities": (-5.0,)}, "quantity must lie between 0 and 25600"),
        ({"quantities": (float("nan"),)}, "quantity"),
        ({"lengths_px": (30, 100)}, "length_px with the recipe 'paper' must lie between 0 and 100"),
        ({"lengths_px": (0, 30)}, "length_px must lie between 0"),
        ({"brightnesses": (0.0, 1.0)}, "brightness must lie between 0"),
        ({"angles_deg": (-100.0, 0.0)}, "angles_deg must lie within -90..90"),
        ({"angles_deg": (20.0, 0.0)}, "angles_deg must be values that ascend"),
        ({"lengths_px": ()}, "lengths_px must be values that ascend"),
    ],
)
def test_an_axis_that_cannot_be_rendered_is_named(axes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        rain_maps(ProbeSpace(**axes))


def test_a_length_that_only_the_corrected_recipe_renders() -> None:
    assert len(rain_maps(ProbeSpace(lengths_px=(120,), recipe="corrected"))[0].rains) == len(FULL.angles_deg)


def test_the_two_sizes() -> None:
    full, coarse = (sum(len(each.rains) for each in rain_maps(space)) for space in (FULL, COARSE))
    assert 150 <= full <= 200
    assert 20 <= coarse <= 30


def test_the_command_line_need_not_load_torch() -> None:
    code = "import derain.probe.space, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
