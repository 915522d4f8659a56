"""Writes cubic.npz: attention maps resized by OpenCV (numpy and opencv-python-headless 5.0, Intel's IPP off).

Keys: N_in and N_out, float32 [rows, cols].
"""
import pathlib

import cv2
import numpy as np

cv2.ipp.setUseIPP(False)
rng = np.random.default_rng(3)
sizes = [((25, 33), (52, 68)), ((33, 25), (70, 40)), ((7, 5), (40, 32)), ((1, 1), (3, 4)), ((1, 6), (8, 32)),
         ((6, 1), (32, 8)), ((50, 65), (24, 32)), ((25, 33), (25, 33)), ((2, 2), (24, 16)), ((13, 13), (61, 67))]
out = {}
for i, (a, b) in enumerate(sizes):
    noise = rng.standard_normal(a) * 2
    m = (np.exp(noise) / np.exp(noise).sum()).astype(np.float32)
    out[f"{i}_in"], out[f"{i}_out"] = m, cv2.resize(m, b[::-1], interpolation=cv2.INTER_CUBIC)
np.savez_compressed(pathlib.Path(__file__).with_name("cubic.npz"), **out)
