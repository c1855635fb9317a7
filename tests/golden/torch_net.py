"""Golden files of networks that PyTorch has as modules: what the weights must be after some steps.

A case is a configuration of ours, the same network as a torch.nn.Module, and where each of our
tensors is in it.  It is trained in double precision; in single precision PyTorch must come close, or
other data are drawn: a case in which rounding alone moves the weights could not tell a wrong formula
from a right one.  The file is as those of make_golden.py, and test_golden.c runs it like them:

    /train/NAME                           the batches, in order
    /initial/TENSOR, /expected/TENSOR     weights and statistics before the first step and after the last
    attribute `config`                    the configuration, with @FILE@ for the file's own path
"""

import copy
import os

import h5py
import numpy as np
import torch


def conv_order(array):
    """PyTorch's kernel [out, in, ...] as ours: [out, ..., in]."""
    return np.moveaxis(array, 1, -1)


def images_last(array):
    """[N, C, H, W] as [N, H, W, C]."""
    return np.moveaxis(array, 1, -1)


def _train(net, optimizer, loss, arrays, batch, epochs, dtype):
    net = copy.deepcopy(net).to(dtype)
    net.train()
    steps = optimizer(net.parameters())
    tensors = {k: torch.tensor(v, dtype=dtype if v.dtype.kind == "f" else torch.int64)
               for k, v in arrays.items()}
    count = len(next(iter(tensors.values())))
    for _ in range(epochs):
        for lo in range(0, count, batch):
            part = {k: v[lo:lo + batch] for k, v in tensors.items()}
            steps.zero_grad()
            loss(net, part).backward()
            steps.step()
    return net


def _read(net, tensors):
    return {name: np.ascontiguousarray(get(net).detach().double().numpy())
            for name, get in tensors.items()}


def _apart(a, b):
    return max(np.linalg.norm(a[k] - b[k]) / max(np.linalg.norm(b[k]), 1e-30) for k in b)


def make(directory, name, config, network, tensors, orders, draw, loss, optimizer, batch, epochs=1,
         store=None, limit=2e-6):
    """Write directory/name.h5.

    config     text, with @FILE@; `shuffle: false`, and batch and epochs as given here
    network()  a torch.nn.Module with random weights (torch's seed is set)
    tensors    {our name: function of the module giving PyTorch's tensor}
    orders     {our name: function from PyTorch's array to ours}, for those that are stored otherwise
    draw(rng)  {name: array [N, ...]} as PyTorch wants them, float32 or int64; rng is numpy's
    loss(net, part)  of a part of them, as PyTorch computes it
    store      {name: function from PyTorch's array to ours} for data that we keep otherwise
    """
    store = store or {}
    for seed in range(50):
        torch.manual_seed(seed)
        net = network().double()
        arrays = draw(np.random.default_rng(seed))
        for p in list(net.parameters()) + list(net.buffers()):
            if p.dtype.is_floating_point:
                p.data = p.data.float().double()
        initial = _read(net, tensors)
        expected = _read(_train(net, optimizer, loss, arrays, batch, epochs, torch.float64), tensors)
        single = _read(_train(net, optimizer, loss, arrays, batch, epochs, torch.float32), tensors)
        rounding, moved = _apart(single, expected), _apart(initial, expected)
        if rounding < limit and moved > 0.01:
            break
    else:
        raise AssertionError(f"{name}: rounding {rounding:.1e}, moved {moved:.1e}")
    with h5py.File(os.path.join(directory, name + ".h5"), "w", libver=("v108", "v108")) as f:
        train = f.create_group("train")
        for key, array in arrays.items():
            array = store[key](array) if key in store else array
            train[key] = array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int32)
        for group, values in (("initial", initial), ("expected", expected)):
            outer = f.create_group(group)
            for tensor, array in values.items():
                array = orders[tensor](array) if tensor in orders else array
                outer[tensor] = np.ascontiguousarray(array).astype(np.float32)
        f.attrs["config"] = config
    print(f"{name:45} float32 differs by {rounding:.1e}, moved {moved:.2f}")
