#!/usr/bin/env python3
"""Solutions of Burgers' equation, u_t + u u_x = 0.02 u_xx on a circle of length 2 pi, from random waves.

    prepare_burgers.py OUT.h5

Writes OUT.h5 (train/u of 60 trajectories, test/u of 5, each [trajectory, 41 times, 64 points]) and, for
rollout.c, OUT.f32: the states of the test's first trajectory, one after another, as float32.  By a
Fourier method and fourth-order Runge-Kutta steps with an integrating factor.  Wants h5py.
"""
import sys

import h5py
import numpy as np

POINTS, TIMES, NU, EVERY, SUB = 64, 41, 0.02, 0.05, 20


def solve(u):
    """[trajectory, time, point] from the states [trajectory, point]."""
    k = 1j * np.fft.rfftfreq(POINTS, 1 / POINTS)
    keep = np.abs(k) < POINTS / 3            # without aliases
    dt = EVERY / SUB
    half = np.exp(NU * (k ** 2).real * dt / 2)

    def slope(v):
        return -0.5 * k * keep * np.fft.rfft(np.fft.irfft(v, POINTS) ** 2)

    v, states = np.fft.rfft(u), [u]
    for _ in range(TIMES - 1):
        for _ in range(SUB):
            a = slope(v)
            b = slope(half * (v + dt / 2 * a))
            c = slope(half * v + dt / 2 * b)
            d = slope(half * (half * v + dt * c))
            v = half * half * v + dt / 6 * (half * half * a + 2 * half * (b + c) + d)
        states.append(np.fft.irfft(v, POINTS))
    return np.stack(states, 1).astype(np.float32)


def main():
    out = sys.argv[-1]
    rng = np.random.default_rng(1)
    x = 2 * np.pi * np.arange(POINTS) / POINTS
    waves = np.arange(1, 5)[:, None]
    phase, size = rng.uniform(0, 2 * np.pi, (65, 4, 1)), rng.normal(size=(65, 4, 1)) / waves
    u = solve((size * np.sin(waves * x + phase)).sum(1) / 1.5)
    with h5py.File(out, "w") as f:
        f["train/u"], f["test/u"] = u[:60], u[60:]
    u[60].tofile(out[:-len(".h5")] + ".f32")


if __name__ == "__main__":
    main()
