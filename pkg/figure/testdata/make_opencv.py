"""Writes opencv.npz: what OpenCV gives for small synthetic maps and pictures.

    python make_opencv.py        (numpy and opencv-python-headless 5.0; Intel's IPP off, as only x86 builds have it)

Keys: NAME_in (uint8 [h,w,3] RGB), NAME_small (at 0.8), NAME_median, NAME_gaussian; NAME_map (float32 [rows,cols]),
NAME_overlay (the published panel over NAME_in); jet [256,3].
"""
import pathlib

import cv2
import numpy as np

cv2.ipp.setUseIPP(False)
rng = np.random.default_rng(7)


def overlay(heat, picture):
    m = cv2.resize(heat, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    m = (m - m.min()) / (m.max() - m.min())
    m = cv2.applyColorMap((m * 255).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    m = cv2.GaussianBlur(cv2.medianBlur(np.ascontiguousarray(m), 15), (15, 15), 0)
    return (picture * 0.5 + m * 0.5).astype(np.uint8)


def attention(rows, cols, sharp):
    """A softmax over smooth noise, as a head's map is."""
    noise = cv2.resize(rng.standard_normal((rows // 2 + 1, cols // 2 + 1)), (cols, rows)) * sharp
    e = np.exp(noise - noise.max())
    return (e / e.sum()).astype(np.float32)


out = {"jet": cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_JET)[:, 0, ::-1]}
cases = {  # name: (height, width, map rows, map cols, sharpness)
    "landscape": (73, 97, 25, 33, 2),
    "portrait": (78, 53, 33, 18, 4),
    "panorama": (17, 104, 5, 42, 1),
    "tiny": (9, 5, 3, 2, 1),
    "line": (1, 40, 1, 7, 1),
    "fine": (67, 101, 50, 65, 3),
}
for name, (h, w, rows, cols, sharp) in cases.items():
    picture = rng.integers(0, 256, (h, w, 3)).astype(np.uint8)
    out[f"{name}_in"] = picture
    out[f"{name}_small"] = cv2.resize(picture, (0, 0), fx=0.8, fy=0.8).reshape(-1, max(1, round(w * 0.8)), 3)
    out[f"{name}_median"] = cv2.medianBlur(picture, 15)
    out[f"{name}_gaussian"] = cv2.GaussianBlur(picture, (15, 15), 0)
    out[f"{name}_map"] = attention(rows, cols, sharp)
    out[f"{name}_overlay"] = overlay(out[f"{name}_map"], picture)
np.savez_compressed(pathlib.Path(__file__).with_name("opencv.npz"), **out)
