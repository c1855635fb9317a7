#!/usr/bin/env python3
"""Make the golden files: what a network's weights must be after 20 steps.

    python3 make_golden.py [DIRECTORY]      (default: the directory of this script)

Each case is trained twice in double precision, by PyTorch and by the NumPy code below, which shares
nothing with it but the data; the two must agree.  The result of PyTorch is stored, rounded to
float32.  PyTorch in single precision must also come close: a case in which rounding alone moves the
weights could not tell a wrong formula from a right one, so such data are drawn anew.

One HDF5 file a case, which is a dataset that can be trained on as it is:

    /train/x, /train/y                    the batches, in order
    /initial/LAYER/weight, bias           weights before the first step
    /expected/LAYER/weight, bias          weights after the last
    attribute `config`                    the configuration, with @FILE@ for the file's own path

The committed files were made with Python 3.11, NumPy 2.4.6, PyTorch 2.15.0 and h5py 3.16.0.
"""

import math
import os
import sys
import zlib
from dataclasses import dataclass, field, replace

import h5py
import numpy as np
import torch
import torch.nn.functional as F

STEPS = 20
INPUTS, HIDDEN, OUTPUTS = 6, 8, 3


@dataclass
class Case:
    name: str
    loss: str = "mse"
    loss_options: dict = field(default_factory=dict)
    target: str = "numbers"  # numbers, classes, probabilities, bits
    activation: str = "tanh"
    output: str = ""         # activation of the last layer
    separate: bool = False   # the hidden activation as a layer of its own
    optimizer: str = "sgd"
    options: dict = field(default_factory=lambda: {"lr": 0.3})
    regularization: dict = field(default_factory=dict)
    clip: dict = field(default_factory=dict)
    batch: int = 12
    samples: int = 12 * STEPS

    @property
    def epochs(self):
        return STEPS // -(-self.samples // self.batch)

    def batches(self):
        for _ in range(self.epochs):
            for lo in range(0, self.samples, self.batch):
                yield slice(lo, min(lo + self.batch, self.samples))

    def layers(self):
        """(name, inputs, outputs, activation) of each dense layer."""
        return [("hidden", INPUTS, HIDDEN, self.activation), ("output", HIDDEN, OUTPUTS, self.output)]


def cases():
    # Losses.
    yield Case("loss_mse")
    yield Case("loss_mse_half", loss_options={"half": True})
    yield Case("loss_mse_sum", loss_options={"reduction": "sum"}, options={"lr": 0.01})
    yield Case("loss_mae", loss="mae")
    yield Case("loss_huber", loss="huber")
    yield Case("loss_huber_delta", loss="huber", loss_options={"delta": 0.3})
    entropy = dict(loss="cross_entropy", target="classes")
    yield Case("loss_cross_entropy", **entropy)
    yield Case("loss_cross_entropy_softmax", **entropy, output="softmax")
    yield Case("loss_cross_entropy_not_logits", **entropy, output="softmax",
               loss_options={"from_logits": False})
    yield Case("loss_cross_entropy_smoothing", **entropy, loss_options={"label_smoothing": 0.1})
    entropy = dict(loss="cross_entropy", target="probabilities")
    yield Case("loss_cross_entropy_probabilities", **entropy)
    yield Case("loss_cross_entropy_probabilities_smoothing", **entropy,
               loss_options={"label_smoothing": 0.2})
    entropy = dict(loss="binary_cross_entropy", target="bits")
    yield Case("loss_binary_cross_entropy", **entropy)
    yield Case("loss_binary_cross_entropy_sigmoid", **entropy, output="sigmoid")
    yield Case("loss_binary_cross_entropy_not_logits", **entropy, output="sigmoid",
               loss_options={"from_logits": False})
    yield Case("loss_binary_cross_entropy_smoothing", **entropy, loss_options={"label_smoothing": 0.1})

    # Activations, in the middle and, where it changes anything, at the end.
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "softmax"):
        yield Case("activation_" + name, activation=name)
    yield Case("activation_separate", activation="gelu", separate=True)
    yield Case("activation_output_sigmoid", output="sigmoid")
    yield Case("activation_output_softmax", output="softmax", target="probabilities")

    # Optimizers.
    yield Case("sgd")
    yield Case("sgd_momentum", options={"lr": 0.1, "momentum": 0.9})
    yield Case("sgd_dampening", options={"lr": 0.1, "momentum": 0.9, "dampening": 0.5})
    yield Case("sgd_nesterov", options={"lr": 0.1, "momentum": 0.9, "nesterov": True})
    yield Case("sgd_weight_decay", options={"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1})
    yield Case("adagrad", optimizer="adagrad", options={"lr": 0.1})
    yield Case("adagrad_options", optimizer="adagrad",
               options={"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.01,
                        "weight_decay": 0.05})
    yield Case("rmsprop", optimizer="rmsprop", options={"lr": 0.01})
    yield Case("rmsprop_momentum", optimizer="rmsprop",
               options={"lr": 0.005, "alpha": 0.9, "momentum": 0.8, "weight_decay": 0.05})
    yield Case("rmsprop_centered", optimizer="rmsprop",
               options={"lr": 0.005, "alpha": 0.95, "momentum": 0.8, "centered": True})
    yield Case("adam", optimizer="adam", options={"lr": 0.01})
    yield Case("adam_betas", optimizer="adam",
               options={"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 0.001})
    yield Case("adam_weight_decay", optimizer="adam", options={"lr": 0.01, "weight_decay": 0.1})
    yield Case("adam_amsgrad", optimizer="adam", options={"lr": 0.01, "beta2": 0.9, "amsgrad": True})
    yield Case("adamw", optimizer="adamw", options={"lr": 0.02})
    yield Case("adamw_weight_decay", optimizer="adamw", options={"lr": 0.02, "weight_decay": 0.5})

    # Clipping and regularisation.
    yield Case("clip_value", clip={"value": 0.02})
    yield Case("clip_norm", clip={"norm": 0.1})
    yield Case("clip_norm_adam", clip={"norm": 0.1}, optimizer="adam", options={"lr": 0.01},
               **dict(loss="cross_entropy", target="classes"))
    yield Case("clip_both", clip={"value": 0.02, "norm": 0.1})
    yield Case("l1", regularization={"l1": 0.01})
    yield Case("l2", regularization={"l2": 0.05})
    yield Case("l1_l2_clip", regularization={"l1": 0.01, "l2": 0.05}, clip={"value": 0.05})

    # Batches that ranks don't divide, a short last batch, several epochs.
    eleven = dict(batch=11, samples=11 * STEPS)
    yield Case("batch_11", **eleven)
    yield Case("batch_11_adam", **eleven, loss="cross_entropy", target="classes", optimizer="adam",
               options={"lr": 0.01})
    yield Case("batch_short_last", batch=12, samples=9 * 12 + 7)
    yield Case("batch_full", batch=12, samples=12, loss="cross_entropy", target="classes")


# --- data


def draw(case, seed):
    """Inputs, targets and initial weights, all exact in float32."""
    rng = np.random.RandomState(seed)
    x = rng.standard_normal((case.samples, INPUTS)).astype(np.float32)
    score = np.tanh(x @ rng.standard_normal((INPUTS, OUTPUTS))) + 0.3 * rng.standard_normal(
        (case.samples, OUTPUTS))
    if case.target == "numbers":
        y = score.astype(np.float32)
    elif case.target == "classes":
        y = score.argmax(axis=1).astype(np.int32)
    elif case.target == "bits":
        y = (score > 0).astype(np.float32)
    else:
        y = np.exp(2 * score)
        y = (y / y.sum(axis=1, keepdims=True)).astype(np.float32)
    weights = {}
    for name, n_in, n_out, _ in case.layers():
        weights[name] = {
            "weight": (rng.standard_normal((n_out, n_in)) / math.sqrt(n_in)).astype(np.float32),
            "bias": (0.1 * rng.standard_normal(n_out)).astype(np.float32),
        }
    return x, y, weights


# --- PyTorch

TORCH_ACTIVATIONS = {
    "": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu,
    "leaky_relu": F.leaky_relu, "elu": F.elu, "gelu": F.gelu, "silu": F.silu,
    "softplus": F.softplus, "softmax": lambda z: F.softmax(z, dim=-1),
}


def torch_loss(case, out, y):
    """The batch's loss.  `out` is the last layer's value, activation included."""
    o = dict(case.loss_options)
    reduction = o.pop("reduction", "mean")
    half = o.pop("half", False)
    from_logits = o.pop("from_logits", True)
    smoothing = o.get("label_smoothing", 0)
    if case.loss == "mse":
        loss = F.mse_loss(out, y) * (0.5 if half else 1)
    elif case.loss == "mae":
        loss = F.l1_loss(out, y)
    elif case.loss == "huber":
        loss = F.huber_loss(out, y, delta=o.get("delta", 1.0))
    elif case.loss == "cross_entropy":
        # A softmax before the loss is part of it: its logarithm is a log-softmax.
        logits = torch.log(out) if case.output == "softmax" else out
        loss = F.cross_entropy(logits, y, label_smoothing=smoothing)
    else:
        y = y * (1 - smoothing) + smoothing / 2
        if case.output == "sigmoid":
            loss = F.binary_cross_entropy(out, y)
        else:
            loss = F.binary_cross_entropy_with_logits(out, y)
    assert from_logits or case.output
    return loss * len(out) if reduction == "sum" else loss


def torch_optimizer(case, parameters):
    o = dict(case.options)
    if "beta1" in o or "beta2" in o:
        o["betas"] = (o.pop("beta1", 0.9), o.pop("beta2", 0.999))
    kinds = {"sgd": torch.optim.SGD, "adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop,
             "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[case.optimizer](parameters, foreach=False, **o)


def train_torch(case, x, y, weights, dtype):
    x = torch.tensor(x, dtype=dtype)
    y = torch.tensor(y, dtype=torch.int64 if case.target == "classes" else dtype)
    p = {layer: {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in w.items()}
         for layer, w in weights.items()}
    flat = [t for w in p.values() for t in w.values()]
    optimizer = torch_optimizer(case, flat)
    for rows in case.batches():
        optimizer.zero_grad()
        h = x[rows]
        for name, _, _, activation in case.layers():
            h = TORCH_ACTIVATIONS[activation](F.linear(h, p[name]["weight"], p[name]["bias"]))
        torch_loss(case, h, y[rows]).backward()
        if "norm" in case.clip:
            torch.nn.utils.clip_grad_norm_(flat, case.clip["norm"])
        if "value" in case.clip:
            torch.nn.utils.clip_grad_value_(flat, case.clip["value"])
        for w in p.values():
            t = w["weight"]
            t.grad += (case.regularization.get("l1", 0) * torch.sign(t)
                       + case.regularization.get("l2", 0) * t).detach()
        optimizer.step()
    return {layer: {k: v.detach().numpy().astype(np.float64) for k, v in w.items()}
            for layer, w in p.items()}


# --- NumPy


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gelu_parts(z):
    normal = 0.5 * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))
    return normal, np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward_activation(name, z):
    if name == "":
        return z
    return {
        "sigmoid": lambda: sigmoid(z),
        "tanh": lambda: np.tanh(z),
        "relu": lambda: np.maximum(z, 0),
        "leaky_relu": lambda: np.where(z > 0, z, 0.01 * z),
        "elu": lambda: np.where(z > 0, z, np.expm1(z)),
        "gelu": lambda: z * gelu_parts(z)[0],
        "silu": lambda: z * sigmoid(z),
        "softplus": lambda: np.log1p(np.exp(z)),
        "softmax": lambda: softmax(z),
    }[name]()


def backward_activation(name, z, dy):
    """The gradient of z, from that of the activation's value."""
    if name == "":
        return dy
    if name == "softmax":
        y = softmax(z)
        return y * (dy - (dy * y).sum(axis=1, keepdims=True))
    s = sigmoid(z)
    slope = {
        "sigmoid": lambda: s * (1 - s),
        "tanh": lambda: 1 - np.tanh(z) ** 2,
        "relu": lambda: (z > 0) * 1.0,
        "leaky_relu": lambda: np.where(z > 0, 1, 0.01),
        "elu": lambda: np.where(z > 0, 1, np.exp(z)),
        "gelu": lambda: gelu_parts(z)[0] + z * gelu_parts(z)[1],
        "silu": lambda: s * (1 + z * (1 - s)),
        "softplus": lambda: s,
    }[name]()
    return dy * slope


def loss_gradient(case, z, out, y):
    """The gradient of the batch's loss with respect to the last layer's z, before its activation."""
    n = len(out)
    o = case.loss_options
    smoothing = o.get("label_smoothing", 0)
    scale = 1.0 if o.get("reduction") == "sum" else 1 / n
    d = out - y if case.loss in ("mse", "mae", "huber") else None
    if case.loss == "mse":
        g = d * (1 if o.get("half") else 2) / OUTPUTS
    elif case.loss == "mae":
        g = np.sign(d) / OUTPUTS
    elif case.loss == "huber":
        delta = o.get("delta", 1.0)
        g = np.clip(d, -delta, delta) / OUTPUTS
    elif case.loss == "cross_entropy":
        target = np.eye(OUTPUTS)[y] if case.target == "classes" else y
        target = (1 - smoothing) * target + smoothing / OUTPUTS
        # The soft labels were rounded to float32: their sum is not quite 1.
        return scale * (softmax(z) * target.sum(axis=1, keepdims=True) - target)
    else:
        return scale * (sigmoid(z) - (y * (1 - smoothing) + smoothing / 2)) / OUTPUTS
    return backward_activation(case.output, z, scale * g)


def new_state(case):
    start = case.options.get("initial_accumulator_value", 0.0)
    return {"t": 0, "a": start, "b": 0.0, "c": 0.0}


def numpy_update(case, w, g, s):
    """One step of one array, by the optimizer's own formulas."""
    o = case.options
    lr = o["lr"]
    s["t"] += 1
    t = s["t"]
    decay = o.get("weight_decay", 0.01 if case.optimizer == "adamw" else 0)
    if case.optimizer != "adamw":
        g = g + decay * w
    if case.optimizer == "sgd":
        mu = o.get("momentum", 0)
        if mu:
            s["a"] = g if t == 1 else mu * s["a"] + (1 - o.get("dampening", 0)) * g
            g = g + mu * s["a"] if o.get("nesterov") else s["a"]
        return w - lr * g
    if case.optimizer == "adagrad":
        s["a"] = s["a"] + g * g
        return w - lr / (1 + (t - 1) * o.get("lr_decay", 0)) * g / (np.sqrt(s["a"]) + 1e-10)
    if case.optimizer == "rmsprop":
        alpha = o.get("alpha", 0.99)
        s["a"] = alpha * s["a"] + (1 - alpha) * g * g
        variance = s["a"]
        if o.get("centered"):
            s["b"] = alpha * s["b"] + (1 - alpha) * g
            variance = variance - s["b"] ** 2
        s["c"] = o.get("momentum", 0) * s["c"] + g / (np.sqrt(variance) + 1e-8)
        return w - lr * s["c"]
    beta1, beta2 = o.get("beta1", 0.9), o.get("beta2", 0.999)
    s["a"] = beta1 * s["a"] + (1 - beta1) * g
    s["b"] = beta2 * s["b"] + (1 - beta2) * g * g
    s["c"] = np.maximum(s["c"], s["b"]) if o.get("amsgrad") else s["b"]
    if case.optimizer == "adamw":
        w = w * (1 - lr * decay)
    m, v = s["a"] / (1 - beta1 ** t), s["c"] / (1 - beta2 ** t)
    return w - lr * m / (np.sqrt(v) + o.get("eps", 1e-8))


def train_numpy(case, x, y, weights):
    x = x.astype(np.float64)
    y = y if case.target == "classes" else y.astype(np.float64)
    w = {layer: {k: v.astype(np.float64) for k, v in p.items()} for layer, p in weights.items()}
    state = {layer: {k: new_state(case) for k in p} for layer, p in w.items()}
    names = [layer[0] for layer in case.layers()]
    for rows in case.batches():
        values, sums = [x[rows]], []
        for name, _, _, activation in case.layers():
            sums.append(values[-1] @ w[name]["weight"].T + w[name]["bias"])
            values.append(forward_activation(activation, sums[-1]))
        dz = loss_gradient(case, sums[-1], values[-1], y[rows])
        g = {}
        for i in reversed(range(len(names))):
            g[names[i]] = {"weight": dz.T @ values[i], "bias": dz.sum(axis=0)}
            if i > 0:
                dz = backward_activation(case.layers()[i - 1][3], sums[i - 1],
                                         dz @ w[names[i]]["weight"])
        if "norm" in case.clip:
            norm = math.sqrt(sum((v * v).sum() for p in g.values() for v in p.values()))
            factor = min(1, case.clip["norm"] / (norm + 1e-6))
            g = {layer: {k: factor * v for k, v in p.items()} for layer, p in g.items()}
        if "value" in case.clip:
            c = case.clip["value"]
            g = {layer: {k: np.clip(v, -c, c) for k, v in p.items()} for layer, p in g.items()}
        for layer, p in g.items():
            u = w[layer]["weight"]
            p["weight"] = (p["weight"] + case.regularization.get("l1", 0) * np.sign(u)
                           + case.regularization.get("l2", 0) * u)
            for k, v in p.items():
                w[layer][k] = numpy_update(case, w[layer][k], v, state[layer][k])
    return w


def textbook():
    """One sigmoid layer and the loop that teaches gradient descent: 1/2 (y - yhat)^2, summed."""
    x = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], dtype=np.float64)
    y = np.array([[0, 1, 1, 0]], dtype=np.float64).T
    first = (2 * np.random.RandomState(2).random_sample((3, 1)) - 1).astype(np.float32)
    w = first.astype(np.float64)
    for _ in range(1000):
        yhat = 1 / (1 + np.exp(-(x @ w)))
        w += 0.05 * x.T @ ((y - yhat) * yhat * (1 - yhat))
    return x.astype(np.float32), y.astype(np.float32), {"layer": {"weight": first.T}}, {
        "layer": {"weight": w.T}}


TEXTBOOK_CONFIG = """\
data: {file: "@FILE@", shuffle: false}
model:
  - dense: {name: layer, units: 1, use_bias: false, activation: sigmoid}
loss: {mse: {half: true, reduction: sum}}
optimizer: {sgd: {lr: 0.05}}
train: {batch: 4, epochs: 1000, seed: 1}
"""


# --- files


def flow(value):
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def config(case):
    lines = ['data: {file: "@FILE@", shuffle: false}', "model:"]
    for name, _, units, activation in case.layers():
        options = {"name": name, "units": units}
        if activation and not case.separate:
            options["activation"] = activation
        lines.append("  - dense: " + flow(options))
        if activation and case.separate:
            lines.append("  - " + activation)
    lines.append("loss: " + (flow({case.loss: case.loss_options}) if case.loss_options else case.loss))
    lines.append("optimizer: " + flow({case.optimizer: case.options}))
    if case.regularization:
        lines.append("regularization: " + flow(case.regularization))
    if case.clip:
        lines.append("clip: " + flow(case.clip))
    lines.append("train: " + flow({"batch": case.batch, "epochs": case.epochs, "seed": 1}))
    return "\n".join(lines) + "\n"


def save(path, x, y, initial, expected, text):
    with h5py.File(path, "w", libver=("v108", "v108")) as f:  # small groups, read by HDF5 1.8 and up
        train = f.create_group("train")  # each group by a call of its own: no time is recorded
        train["x"] = x
        train["y"] = y
        for group, weights in (("initial", initial), ("expected", expected)):
            outer = f.create_group(group)
            for layer, arrays in weights.items():
                inner = outer.create_group(layer)
                for name, array in arrays.items():
                    inner[name] = array.astype(np.float32)
        f.attrs["config"] = text


def distance(a, b):
    """The largest difference, relative to the largest weight of the same array."""
    return max(np.abs(a[layer][k] - b[layer][k]).max() / np.abs(b[layer][k]).max()
               for layer in b for k in b[layer])


def without_each(case):
    """The case with one of its options left out, for all options that matter."""
    for place in ("loss_options", "options", "regularization", "clip"):
        for key in getattr(case, place):
            if key not in ("lr", "from_logits"):
                rest = {k: v for k, v in getattr(case, place).items() if k != key}
                yield key, replace(case, **{place: rest})


def make(case):
    """Draw data until rounding doesn't matter; returns what is stored, and how far float32 was."""
    for attempt in range(50):
        x, y, initial = draw(case, zlib.crc32(case.name.encode()) % 10**6 + attempt)
        expected = train_torch(case, x, y, initial, torch.float64)
        again = distance(train_numpy(case, x, y, initial), expected)
        assert again < 1e-9, f"{case.name}: PyTorch and NumPy differ by {again:.2g}"
        moved = distance(initial, expected)
        assert moved > 0.02, f"{case.name}: the weights have hardly moved ({moved:.2g})"
        for key, other in without_each(case):
            change = distance(train_numpy(other, x, y, initial), expected)
            assert change > 1e-4, f"{case.name}: {key} changes nothing ({change:.2g})"
        rounding = distance(train_torch(case, x, y, initial, torch.float32), expected)
        if rounding < 1e-6:
            return x, y, initial, expected, rounding
    raise AssertionError(f"{case.name}: rounding alone moves the weights by {rounding:.2g}")


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    for case in cases():
        x, y, initial, expected, rounding = make(case)
        save(os.path.join(directory, case.name + ".h5"), x, y, initial, expected, config(case))
        print(f"{case.name:45} float32 differs by {rounding:.1e}")
    x, y, initial, expected = textbook()
    save(os.path.join(directory, "textbook_a.h5"), x, y, initial, expected, TEXTBOOK_CONFIG)


if __name__ == "__main__":
    main()
