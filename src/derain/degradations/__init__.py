"""Degradations beside rain: a module a kind, one registry, compositions, and those of the user's own files."""

from derain.degradations.registry import KINDS, Composition, load_degradation, unseen_beside

__all__ = ["KINDS", "Composition", "load_degradation", "unseen_beside"]
