"""Advice: how many backgrounds and which rain to train on, found with few trainings.

Free of torch; the work is done by `derain.advice.run.advise` and `derain.advice.replay.replay`.
"""
