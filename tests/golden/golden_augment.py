#!/usr/bin/env python3
"""What transforms of images must give: python3 golden_augment.py > ../support/augment_expected.h

From NumPy and SciPy (scipy.ndimage, linear interpolation), which share nothing with src/augment.  The
committed header was made with NumPy 2.4.6 and SciPy 1.17."""

import math

import numpy as np
from scipy.ndimage import affine_transform

H, W, C = 5, 6, 2
IMAGE = ((37 * np.arange(H * W * C)) % 64).reshape(H, W, C).astype(np.float64)
MODES = {"zeros": "grid-constant", "edge": "nearest", "reflect": "mirror", "periodic": "grid-wrap"}


def warp(matrix, shift, mode, order=1):
    """out(p) = in(matrix (p - centre) + centre + shift)"""
    centre = np.array([(H - 1) / 2, (W - 1) / 2])
    matrix = np.array(matrix, dtype=np.float64)
    offset = centre - matrix @ centre + np.array(shift)
    return np.stack([affine_transform(IMAGE[..., c], matrix, offset, order=order, mode=MODES[mode], cval=0)
                     for c in range(C)], axis=-1)


def turn(part):
    c, s = math.cos(2 * math.pi * part), math.sin(2 * math.pi * part)
    return [[c, s], [-s, c]]


def cases():
    one = [[1, 0], [0, 1]]
    for mode in MODES:
        yield (f"{{shift: {{height: [0.3, 0.3], width: [-0.15, -0.15], fill_mode: {mode}}}}}",
               warp(one, (-0.3 * H, 0.15 * W), mode))
        yield f"{{rotation: {{factor: [0.08, 0.08], fill_mode: {mode}}}}}", warp(turn(0.08), (0, 0), mode)
        yield (f"{{zoom: {{height: [0.6, 0.6], width: [-0.3, -0.3], fill_mode: {mode}}}}}",
               warp([[1.6, 0], [0, 0.7]], (0, 0), mode))
        yield (f"{{rotation: {{factor: [-0.21, -0.21], fill_mode: {mode}, interpolation: nearest}}}}",
               warp(turn(-0.21), (0, 0), mode, order=0))
    yield "{rotation: [0.08, 0.08]}", warp(turn(0.08), (0, 0), "reflect")
    yield "{zoom: [0.25, 0.25]}", warp([[1.25, 0], [0, 1.25]], (0, 0), "reflect")
    yield "{shift: {height: [0.9, 0.9]}}", warp(one, (-0.9 * H, 0), "reflect")
    yield "{brightness: {factor: [0.2, 0.2], value_range: [0, 100]}}", np.clip(IMAGE + 20, 0, 100)
    yield "{brightness: {factor: [-0.5, -0.5], value_range: [0, 50]}}", np.clip(IMAGE - 25, 0, 50)
    mean = IMAGE.mean(axis=(0, 1))
    yield "{contrast: {factor: [0.5, 0.5], value_range: [0, 63]}}", np.clip(mean + 1.5 * (IMAGE - mean), 0, 63)
    yield "{contrast: {factor: [-0.75, -0.75], value_range: [0, 63]}}", mean + 0.25 * (IMAGE - mean)


def numbers(array):
    flat = [f"{v:.8g}" for v in np.asarray(array).ravel()]
    flat = [v + "F" if "." in v or "e" in v else v for v in flat]
    return "{" + ", ".join(flat) + "}"


def main():
    print("/* Made by tests/golden/golden_augment.py: an image, and what transforms make of it. */")
    print("#ifndef LS_TESTS_AUGMENT_EXPECTED_H\n#define LS_TESTS_AUGMENT_EXPECTED_H\n")
    print("/* clang-format off */")
    print(f"enum {{ HEIGHT = {H}, WIDTH = {W}, CHANNELS = {C}, PIXELS = HEIGHT * WIDTH * CHANNELS }};\n")
    print(f"static const float picture[PIXELS] =\n  {numbers(IMAGE)};\n")
    print("static const struct {\n  const char *transform;\n  float expected[PIXELS];\n} transformed[] = {")
    for text, expected in cases():
        print(f'  {{"{text}",\n   {numbers(expected)}}},')
    print("};\n/* clang-format on */\n\n#endif")


if __name__ == "__main__":
    main()
