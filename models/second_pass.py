"""Give a model with a UNet of one pass a second one, as a start for training.

    python models/second_pass.py runs/box/broad/model.safetensors runs/box/twice-start.safetensors

The weights that see the picture of the first pass begin as zeros, so the new model makes the old one's pictures.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from derain.networks.loading import load_model
from derain.networks.unet import UNet
from derain.networks.weights import describe, write_tensors

model, out = map(Path, sys.argv[1:])
once, _ = load_model(model)
assert type(once) is UNet, "the model is no UNet"
assert once.hyperparameters.passes == 1, "the model has more than one pass"
twice = UNet(replace(once.hyperparameters, passes=2))
tensors = once.state_dict()
first = "encoders.0.0.weight"
tensors[first] = torch.cat([tensors[first], torch.zeros_like(tensors[first])], dim=1)
twice.load_state_dict(tensors)
write_tensors(out, tensors, describe("unet", twice))
