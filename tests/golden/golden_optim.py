#!/usr/bin/env python3
"""Make the golden files of optimizers, schedules and settings that make_golden.py doesn't have.

    python3 golden_optim.py [DIRECTORY]      (default: the directory of this script)

Networks, data and files are those of make_golden.py.  Gradients are PyTorch's, in double precision;
the update is written out in NumPy here, from the papers: Adamax (Kingma and Ba 2015), NAdam (Dozat
2016), Lion (Chen et al. 2023), LARS (You et al. 2017), LAMB (You et al. 2020).  Where PyTorch has the
same thing, its result must agree.
"""

import math
import os
import sys
import zlib
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

import make_golden as mg

STEPS = mg.STEPS


@dataclass
class Case(mg.Case):
    update: object = None   # (options, w, g, state, lr, t, one_dimensional) -> w
    torch: object = None    # (groups, options) -> PyTorch's optimizer; None: it has none
    schedule: str = ""      # of the configuration
    rates: object = None    # step from 0 -> factor on lr
    scheduler: object = None  # PyTorch's
    groups: dict = field(default_factory=dict)  # tensor -> {lr_scale, weight_decay, trainable}
    parameters: str = ""
    average: float = 0      # the momentum of the average that the run ends with
    more: str = ""          # other lines of the configuration

    def settings(self, name):
        return self.groups.get(name, {})


# --- Update rules


def sgd(o, w, g, s, lr, t, flat):
    g = g + o.get("weight_decay", 0) * w
    s["b"] = g if t == 1 else o.get("momentum", 0) * s["b"] + g
    return w - lr * s["b"]


def adamax(o, w, g, s, lr, t, flat):
    b1, b2, eps = o.get("beta1", 0.9), o.get("beta2", 0.999), o.get("eps", 1e-8)
    g = g + o.get("weight_decay", 0) * w
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["u"] = np.maximum(b2 * s.get("u", 0 * g), np.abs(g) + eps)
    return w - lr / (1 - b1 ** t) * s["m"] / s["u"]


def nadam(o, w, g, s, lr, t, flat):
    b1, b2, eps = o.get("beta1", 0.9), o.get("beta2", 0.999), o.get("eps", 1e-8)
    decay, psi = o.get("weight_decay", 0), o.get("momentum_decay", 0.004)
    if o.get("decoupled_weight_decay"):
        w = w - lr * decay * w
    else:
        g = g + decay * w
    mu = [b1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1)]
    s["mu"] = s.get("mu", 1) * mu[0]
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    m = mu[1] * s["m"] / (1 - s["mu"] * mu[1]) + (1 - mu[0]) * g / (1 - s["mu"])
    return w - lr * m / (np.sqrt(s["v"] / (1 - b2 ** t)) + eps)


def lion(o, w, g, s, lr, t, flat):
    b1, b2 = o.get("beta1", 0.9), o.get("beta2", 0.99)
    u = b1 * s.get("m", 0) + (1 - b1) * g
    s["m"] = b2 * s.get("m", 0) + (1 - b2) * g
    return w - lr * (np.sign(u) + o.get("weight_decay", 0) * w)


def norm(x):
    return math.sqrt((x.astype(np.float64) ** 2).sum())


def lars(o, w, g, s, lr, t, flat):
    decay, local = o.get("weight_decay", 0), 1.0
    if flat and o.get("exclude_bias_and_norm", True):
        decay = 0
    elif norm(w) > 0 and norm(g) > 0:
        local = (o.get("trust_coefficient", 0.001) * norm(w)
                 / (norm(g) + decay * norm(w) + o.get("eps", 1e-8)))
    s["v"] = o.get("momentum", 0.9) * s.get("v", 0) + lr * local * (g + decay * w)
    return w - s["v"]


def lamb(o, w, g, s, lr, t, flat):
    b1, b2, eps = o.get("beta1", 0.9), o.get("beta2", 0.999), o.get("eps", 1e-6)
    excluded = flat and o.get("exclude_bias_and_norm", True)
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    r = s["m"] / (1 - b1 ** t) / (np.sqrt(s["v"] / (1 - b2 ** t)) + eps)
    u = r if excluded else r + o.get("weight_decay", 0) * w
    ratio = norm(w) / norm(u) if not excluded and norm(w) > 0 and norm(u) > 0 else 1.0
    return w - lr * ratio * u


def of(kind):
    def make(groups, o):
        o = {k: v for k, v in o.items() if not k.startswith(("use_ema", "ema_"))}
        if "beta1" in o or "beta2" in o:
            o["betas"] = (o.pop("beta1", 0.9), o.pop("beta2", 0.999))
        return kind(groups, foreach=False, **o)
    return make


# --- Schedules, as factors on lr = 0.3


def one_cycle(step):
    up, down = 0.3 * STEPS - 1, STEPS - 1
    low, end = 1 / 25, 1 / 25 / 1e4
    a, b, p = (low, 1, step / up) if step <= up else (1, end, (step - up) / (down - up))
    return b + (a - b) / 2 * (1 + math.cos(math.pi * p))


def in_turn(step):
    if step < 6:
        return 1 + (0.1 - 1) * step / 6
    if step < 14:
        return 0.05 + 0.95 / 2 * (1 + math.cos(math.pi * (step - 6) / 8))
    return 0.5 ** ((step - 14) // 3)


def torch_in_turn(optimizer):
    lr = torch.optim.lr_scheduler
    return lr.SequentialLR(optimizer, [
        lr.LinearLR(optimizer, 1, 0.1, total_iters=6), lr.CosineAnnealingLR(optimizer, 8, 0.05 * 0.3),
        lr.StepLR(optimizer, 3, 0.5)], milestones=[6, 14])


def cases():
    entropy = dict(loss="cross_entropy", target="classes")
    a = dict(optimizer="adamax", update=adamax, torch=of(torch.optim.Adamax))
    yield Case("adamax", options={"lr": 0.01}, **a)
    yield Case("adamax_options", **a, **entropy,
               options={"lr": 0.02, "beta1": 0.8, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.1})
    n = dict(optimizer="nadam", update=nadam, torch=of(torch.optim.NAdam))
    yield Case("nadam", options={"lr": 0.01}, **n)
    yield Case("nadam_options", **n, **entropy,
               options={"lr": 0.02, "beta1": 0.8, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.1,
                        "momentum_decay": 0.5})
    yield Case("nadam_decoupled", **n,
               options={"lr": 0.02, "weight_decay": 0.5, "decoupled_weight_decay": True})
    yield Case("lion", optimizer="lion", update=lion,
               options={"lr": 0.01, "beta1": 0.8, "beta2": 0.9, "weight_decay": 0.5})
    yield Case("lars", optimizer="lars", update=lars, options={"lr": 0.5, "trust_coefficient": 0.05})
    yield Case("lars_options", optimizer="lars", update=lars, **entropy,
               options={"lr": 0.5, "trust_coefficient": 0.05, "momentum": 0.7, "weight_decay": 0.1,
                        "eps": 0.01, "exclude_bias_and_norm": False})
    yield Case("lamb", optimizer="lamb", update=lamb, options={"lr": 0.02, "weight_decay": 0.1})
    yield Case("lamb_options", optimizer="lamb", update=lamb, **entropy,
               options={"lr": 0.02, "beta1": 0.8, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.2,
                        "exclude_bias_and_norm": False})
    yield Case("lamb_short_last", optimizer="lamb", update=lamb, batch=12, samples=9 * 12 + 7,
               options={"lr": 0.02, "weight_decay": 0.1})
    s = dict(update=sgd, torch=of(torch.optim.SGD), options={"lr": 0.3})
    yield Case("one_cycle", **s, schedule="one_cycle", rates=one_cycle,
               scheduler=lambda o: torch.optim.lr_scheduler.OneCycleLR(
                   o, 0.3, total_steps=STEPS, cycle_momentum=False))
    yield Case("schedules_in_turn", **s, rates=in_turn, scheduler=torch_in_turn,
               schedule="[{linear: {end: 0.03, steps: 6}}, {cosine: {min: 0.015, steps: 8}}, "
                        "{step: {every_steps: 3, gamma: 0.5}}]")
    yield Case("lr_scale", **s, rates=lambda k: 1 + 2 * min(1, k / 5),
               more="lr_scale: {base_batch: 4, warmup_epochs: 1}\n", samples=12 * 5)
    yield Case("parameters", update=sgd, torch=of(torch.optim.SGD),
               options={"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2},
               parameters='[{match: "*/bias", weight_decay: 0}, {match: output, lr_scale: 0.5}, '
                          '{match: "out*bias", lr_scale: 3}, {match: hidden/bias, trainable: false}]',
               groups={"hidden/bias": {"trainable": False}, "output/weight": {"lr_scale": 0.5},
                       "output/bias": {"lr_scale": 3, "weight_decay": 0}})
    yield Case("average", optimizer="adamax", update=adamax, torch=of(torch.optim.Adamax),
               average=0.9, options={"lr": 0.02, "use_ema": True, "ema_momentum": 0.9})


# --- Training


def gradients(case, w, x, y):
    p = {k: torch.tensor(v, requires_grad=True) for k, v in w.items()}
    h = torch.tensor(x)
    for name, _, _, activation in case.layers():
        h = mg.TORCH_ACTIVATIONS[activation](F.linear(h, p[name + "/weight"], p[name + "/bias"]))
    mg.torch_loss(case, h, torch.tensor(y)).backward()
    return {k: v.grad.numpy() for k, v in p.items()}


def rounds(case, x, y, dtype):
    x = x.astype(dtype)
    y = y.astype(np.int64) if case.target == "classes" else y.astype(dtype)
    for t, rows in enumerate(case.batches(), 1):
        yield t, x[rows], y[rows]


def flat(weights, dtype):
    return {f"{layer}/{k}": v.astype(dtype) for layer, p in weights.items() for k, v in p.items()}


def nested(w):
    out = {}
    for name, v in w.items():
        layer, k = name.split("/")
        out.setdefault(layer, {})[k] = v.astype(np.float64)
    return out


def train_numpy(case, x, y, weights, dtype=np.float64):
    w, state, average = flat(weights, dtype), {}, None
    for t, xb, yb in rounds(case, x, y, dtype):
        lr = case.options["lr"] * (case.rates(t - 1) if case.rates else 1)
        for name, g in gradients(case, w, xb, yb).items():
            own = case.settings(name)
            if not own.get("trainable", True):
                continue
            options = dict(case.options)
            if "weight_decay" in own:
                options["weight_decay"] = own["weight_decay"]
            w[name] = case.update(options, w[name], g, state.setdefault(name, {}),
                                  lr * own.get("lr_scale", 1), t, g.ndim == 1).astype(dtype)
        keep = case.average if average else 0
        average = {k: keep * (average[k] if average else 0) + (1 - keep) * v for k, v in w.items()}
    return nested(average if case.average else w)


def train_torch(case, x, y, weights):
    w = {k: torch.tensor(v, requires_grad=True) for k, v in flat(weights, np.float64).items()}
    groups = []
    for name, p in w.items():
        own = dict(case.settings(name))
        if own.pop("trainable", True):
            groups.append({"params": [p], "lr": case.options["lr"] * own.pop("lr_scale", 1), **own})
    optimizer = case.torch(groups, case.options)
    scheduler = case.scheduler(optimizer) if case.scheduler else None
    module = torch.nn.ParameterList(list(w.values()))
    ema = torch.optim.swa_utils.AveragedModel(
        module, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(case.average or 0.5))
    for t, xb, yb in rounds(case, x, y, np.float64):
        if case.rates and not scheduler:
            for group in optimizer.param_groups:
                group["lr"] = case.options["lr"] * case.rates(t - 1)
        now = {k: v.detach().numpy() for k, v in w.items()}
        for name, g in gradients(case, now, xb, yb).items():
            w[name].grad = torch.tensor(g)
        optimizer.step()
        if scheduler:
            scheduler.step()
        ema.update_parameters(module)
    result = ema.module if case.average else module
    return nested({k: v.detach().numpy() for k, v in zip(w, result)})


def without_each(case):
    """The case with one of its options left out, for those that matter."""
    for key in case.options:
        if key not in ("lr", "use_ema", "ema_momentum"):
            rest = {k: v for k, v in case.options.items() if k != key}
            yield key, Case(**{**case.__dict__, "options": rest})


def make(case):
    for attempt in range(80):
        x, y, initial = mg.draw(case, zlib.crc32(case.name.encode()) % 10**6 + attempt)
        expected = train_numpy(case, x, y, initial)
        if case.torch:
            again = mg.distance(train_torch(case, x, y, initial), expected)
            # It keeps nadam's product of momentums in single precision.
            assert again < (1e-7 if case.optimizer == "nadam" else 1e-9), f"{case.name}: PyTorch and NumPy differ by {again:.2g}"
        moved = mg.distance(initial, expected)
        assert moved > 0.02, f"{case.name}: the weights have hardly moved ({moved:.2g})"
        for key, other in without_each(case):
            change = mg.distance(train_numpy(other, x, y, initial), expected)
            assert change > 1e-4, f"{case.name}: {key} changes nothing ({change:.2g})"
        rounding = mg.distance(train_numpy(case, x, y, initial, np.float32), expected)
        if rounding < 2e-6:
            return x, y, initial, expected, rounding
    raise AssertionError(f"{case.name}: rounding alone moves the weights by {rounding:.2g}")


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    for case in cases():
        x, y, initial, expected, rounding = make(case)
        text = mg.config(case) + case.more
        text += f"schedule: {case.schedule}\n" if case.schedule else ""
        text += f"parameters: {case.parameters}\n" if case.parameters else ""
        mg.save(os.path.join(directory, case.name + ".h5"), x, y, initial, expected, text)
        print(f"{case.name:45} float32 differs by {rounding:.1e}")


if __name__ == "__main__":
    main()
