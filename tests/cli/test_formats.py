"""cifar10, cifar100, npz, images, csv --category: small files that are made here, and hostile ones.  Each
is read exactly, or refused in one line that names the file and leaves no output."""
import base64
import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

BUILD = os.environ["LOCKSTEP_BUILD"]
PROGRAM = os.path.join(BUILD, "lockstep")
DUMP = os.path.join(BUILD, "tests/fault/dump_rows")
failures = 0
work = tempfile.mkdtemp(prefix="lockstep-formats.")
os.chdir(work)


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(*args, program=PROGRAM):
    return subprocess.run([program, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def convert(*args):
    got = run("convert", *args, "-o", "out.h5")
    if got.returncode != 0:
        fail(f"convert {args}: {got.stderr}")
    return got.stderr


def dump(*names):
    got = run("out.h5", *names, program=DUMP)
    if got.returncode != 0:
        fail(f"dump {names}: {got.stderr}")
        return {}
    return json.loads(got.stdout)


def same(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {str(got)[:300]}, wanted {str(wanted)[:300]}")


def refused(code, part, *args, program=PROGRAM):
    if os.path.exists("out.h5"):
        os.remove("out.h5")
    start = time.monotonic()
    got = run("convert", *args, "-o", "out.h5", program=program)
    lines = [line for line in got.stderr.splitlines() if line]
    if got.returncode != code or len(lines) != 1 or part not in got.stderr or os.path.exists("out.h5"):
        fail(f"convert {args}: exit code {got.returncode}, {got.stderr!r}; wanted {code}, ... {part!r}")
    if time.monotonic() - start > 20:
        fail(f"convert {args}: takes {time.monotonic() - start:.0f} s")


def write(path, data):
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


# ---- CIFAR

def record(labels, seed):
    """A record, and its pixels as they are to be: the colours of a pixel side by side."""
    planes = bytes((seed * 7 + i * 13) % 256 for i in range(3072))
    pixels = [planes[c * 1024 + p] for p in range(1024) for c in range(3)]
    return bytes(labels) + planes, pixels


def check_cifar():
    labels = [3, 0, 9, 3]
    records = [record([y], i) for i, y in enumerate(labels)]
    write("a.bin", b"".join(r[0] for r in records[:2]))
    write("b.bin.gz", gzip.compress(b"".join(r[0] for r in records[2:])))
    write("t.bin", record([5], 9)[0])
    convert("cifar10", "a.bin", "b.bin.gz", "--test-source", "t.bin", "--quiet")
    got = dump("/train/x", "/train/y", "/test/x", "/test/y")
    same("cifar10 images", got["/train/x"]["rows"], [r[1] for r in records])
    same("cifar10 labels", got["/train/y"]["rows"], [[y] for y in labels])
    same("cifar10 test", got["/test/x"]["rows"] + got["/test/y"]["rows"], [record([5], 9)[1], [5]])
    same("cifar10 without names", got["/train/y"]["classes"], [str(i) for i in range(10)])
    seen = json.loads(run("inspect", "--json", "out.h5").stdout)
    same("cifar10 shape", [(d["shape"], d["type"], d["attributes"].get("scale")) for d in seen["datasets"]
                           if d["name"] == "/train/x"], [([4, 32, 32, 3], "uint8", 255)])
    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry"]
    write("batches.meta.txt", ("\r\n".join(names) + "\n\n").encode())
    convert("cifar10", "a.bin", "--quiet")
    same("cifar10 names beside", dump()["y"]["classes"], names)
    convert("cifar10", "a.bin", "--names", "none", "--quiet")
    same("cifar10 --names none", dump()["y"]["classes"][9], "9")
    refused(3, "t.bin: no list of 10 class names", "cifar10", "a.bin", "--names", "t.bin")
    write("few.txt", b"a\nb\n")
    refused(3, "few.txt: 2 names, where there are 10 classes", "cifar10", "a.bin", "--names", "few.txt")
    write("cut.bin", records[0][0] + records[1][0][:100])
    refused(3, "cut.bin: 1 record of 3073 bytes, then 100 bytes", "cifar10", "cut.bin")
    write("empty.bin", b"")
    refused(3, "empty.bin: 0 records", "cifar10", "empty.bin")
    write("wrong.bin", records[0][0] + b"\x0a" + records[0][0][1:])
    refused(3, "wrong.bin: record 1 (counted from 0): label 10, where there are 10 classes", "cifar10", "wrong.bin")
    write("half.bin.gz", gzip.compress(records[0][0])[:-20])
    refused(3, "half.bin.gz: the compressed file", "cifar10", "half.bin.gz")
    refused(1, "nothing.bin", "cifar10", "nothing.bin")
    two = [record([4, 99], 1), record([19, 0], 2)]
    write("h.bin", two[0][0] + two[1][0])
    convert("cifar100", "h.bin", "--quiet")
    same("cifar100 fine", (dump()["y"]["rows"], len(dump()["y"]["classes"])), ([[99], [0]], 100))
    same("cifar100 images", dump()["x"]["rows"], [r[1] for r in two])
    convert("cifar100", "h.bin", "--labels", "coarse", "--quiet")
    same("cifar100 coarse", (dump()["y"]["rows"], len(dump()["y"]["classes"])), ([[4], [19]], 20))
    refused(3, "is this a file of cifar100?", "cifar10", "h.bin")


# ---- npz

def npy(code, shape, data):
    head = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def archive(path, members, method=zipfile.ZIP_DEFLATED, **how):
    with zipfile.ZipFile(path, "w", method) as z:
        for name, data in members.items():
            with z.open(name, "w", **how) as f:
                f.write(data)
    return path


def check_npz():
    x = npy("<f4", "(3, 2)", struct.pack("<6f", 0, 1.5, 2, -3, 4, 5))
    y = npy("<i8", "(3,)", struct.pack("<3q", 2, 0, 1))
    rows, labels = [[0, 1.5], [2, -3], [4, 5]], [[2], [0], [1]]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for how in ({}, {"force_zip64": True}):
            archive("a.npz", {"x.npy": x, "y.npy": y, "other.npy": x}, method, **how)
            convert("npz", "a.npz", "--quiet")
            got = dump()
            same(f"npz {method} {how}", (got["x"]["rows"], got["y"]["rows"], got["y"]["classes"]),
                 (rows, labels, ["0", "1", "2"]))
    archive("k.npz", {"x_train.npy": x, "y_train.npy": y, "x_test.npy": x, "y_test.npy": y})
    said = convert("npz", "k.npz")
    if "inputs are x_train, targets y_train; of the test part x_test, y_test" not in said:
        fail(f"npz of Keras: {said}")
    same("npz test part", dump("/test/x")["/test/x"]["rows"], rows)
    archive("p.npz", {"arr_0.npy": x, "arr_1.npy": y})
    convert("npz", "p.npz", "--label", "number", "--quiet")
    same("npz by place", (dump()["x"]["rows"], dump()["y"].get("classes")), (rows, None))
    archive("n.npz", {"in.npy": x, "out.npy": y})
    convert("npz", "n.npz", "--x", "in", "--y", "out", "--quiet")
    same("npz by name", dump()["x"]["rows"], rows)
    refused(2, "n.npz: which array holds the inputs?  Say --x NAME; it holds in, out", "npz", "n.npz")
    refused(2, 'n.npz: has no array "q" (--y); it holds in, out', "npz", "n.npz", "--x", "in", "--y", "q")
    refused(2, "the test part has inputs and no targets", "npz", "a.npz", "--test-x", "other")
    whole = open("a.npz", "rb").read()
    for cut in (0, 1, 21, 22, len(whole) // 2, len(whole) - 1):
        write("cut.npz", whole[:cut])
        refused(3, "cut.npz: no ZIP archive, or one that is cut off", "npz", "cut.npz")
    write("text.npz", b"x" * 1000)
    refused(3, "text.npz: no ZIP archive", "npz", "text.npz")
    refused(3, "convert npz reads .npz files", "npy", "a.npz", "a.npz")
    # Every byte of the archive changed, one by one: read as it was, or refused.
    small = archive("s.npz", {"x.npy": x, "y.npy": y})
    whole = open(small, "rb").read()
    for at in range(0, len(whole), 1 if os.environ.get("LOCKSTEP_TEST_FULL") else 7):
        write("bad.npz", whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1:])
        got = run("convert", "npz", "bad.npz", "-o", "out.h5", "--quiet")
        if got.returncode not in (0, 2, 3) or (got.returncode > 0 and "bad.npz" not in got.stderr):
            fail(f"npz with byte {at} changed: {got.returncode} {got.stderr}")
        if got.returncode == 0 and (dump()["x"]["rows"], dump()["y"]["rows"]) != (rows, labels):
            fail(f"npz with byte {at} changed is read, as something else")
    # The directory says more, or less, than there is; a checksum that is another's.
    at = whole.index(b"PK\1\2")
    for offset, value in ((24, 1 << 31), (24, 10), (20, 1 << 31), (42, 1 << 30), (16, 1)):
        write("lie.npz", whole[:at + offset] + struct.pack("<I", value) + whole[at + offset + 4:])
        refused(3, "lie.npz", "npz", "lie.npz")
    # A bomb: a gigabyte of zeros, whose header promises a terabyte, or less than it is.
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as z:
        with z.open("x.npy", "w", force_zip64=True) as f:
            f.write(npy("|u1", "(1099511627776, 1)", b""))
            for _ in range(64):
                f.write(bytes(1 << 20))
        z.writestr("y.npy", y)
    write("bomb.npz", zeros.getvalue())
    refused(3, "bomb.npz: x: the header says 1099511627776 x 1 elements", "npz", "bomb.npz")
    archive("odd.npz", {"x.npy": npy("<f4", "(3, 2)", b"\0" * 20), "y.npy": y})
    refused(3, "odd.npz: x: the header says 3 x 2 elements of 4 bytes = 24 bytes, the file has 20", "npz", "odd.npz")
    archive("lz.npz", {"x.npy": x, "y.npy": y}, zipfile.ZIP_LZMA)
    refused(3, "lz.npz: x.npy is compressed in another way", "npz", "lz.npz")
    archive("same.npz", {"x.npy": x, "y.npy": y})
    shutil.copy("same.npz", "keep.npz")
    got = run("convert", "npz", "same.npz", "-o", "same.npz")
    same("npz onto itself", (got.returncode, open("same.npz", "rb").read() == open("keep.npz", "rb").read()),
         (2, True))


# ---- images

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, extra=b""):
    lines = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) +
            extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


# 8 x 8 pixels of grey 77.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUV"
    "DA8XGBYUGBIUFRT/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8A"
    "O7//2Q==")


def pgm(width, height, data, most=255):
    return f"P5\n# a comment\n{width} {height}\n{most}\n".encode() + bytes(data)


def check_images():
    red = [[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [255, 0, 1]]
    flat = [v for row in red for p in row for v in p]
    rgb = [bytes(v for p in row for v in p) for row in red]
    rgba = [bytes(v for p in row for v in p + [255]) for row in red]
    deep = [bytes(b for p in row for v in p for b in (v, v)) for row in red]
    colours = chunk(b"PLTE", bytes(flat))
    ways = {
        "a.png": png(2, 2, 8, 2, rgb), "b.png": png(2, 2, 8, 6, rgba), "c.png": png(2, 2, 16, 2, deep),
        "d.png": png(2, 2, 8, 3, [b"\0\1", b"\2\3"], colours), "e.PPM": b"P6 2 2 255\n" + bytes(flat),
        "f.ppm": b"P3\n2 2\n# text\n255\n" + " ".join(map(str, flat)).encode(),
        "g.ppm": b"P6 2 2 65535 " + bytes(b for v in flat for b in (v, v)),
    }
    for name, data in ways.items():
        write(f"one/only/{name}", data)
    write("one/only/notes.txt", b"no image")
    write("one/only/.hidden.png", b"no image")
    said = convert("images", "one")
    got = dump()
    same("images of all kinds", got["x"]["rows"], [flat] * len(ways))
    if "1 file left out" not in said:
        fail(f"images: {said}")
    write("grey/g/a.pgm", pgm(2, 1, [0, 200]))
    write("grey/g/b.pgm", pgm(2, 1, [0, 200], 200))
    write("grey/g/c.pgm", pgm(2, 1, [0, 0, 255, 255], 65535))
    write("grey/g/d.png", png(2, 1, 8, 0, [b"\0\xc8"]))
    write("grey/g/e.png", png(2, 1, 8, 4, [b"\x50\0\xc8\xff"]))  # transparent: black
    write("grey/g/f.pgm", b"P2 2 1 255 0 200\n")
    convert("images", "grey", "--grey", "--quiet")
    same("images of grey", dump()["x"]["rows"], [[0, 200], [0, 255], [0, 255], [0, 200], [0, 200], [0, 200]])
    write("jpeg/g/a.jpg", JPEG)
    convert("images", "jpeg", "--grey", "--size", "1", "--quiet")
    same("JPEG", dump()["x"]["rows"], [[77]])
    # Resized as Pillow's BILINEAR does it, within rounding.
    table = [[248, 194, 190, 207, 147, 26, 237], [21, 245, 211, 239, 45, 5, 157], [159, 60, 54, 236, 109, 46, 199],
             [82, 32, 205, 36, 7, 134, 222], [57, 146, 8, 149, 14, 15, 22]]
    pillow = {"3x2": [191, 124, 119, 116, 84, 68], "1": [120],
              "4x9": [191, 202, 202, 199, 215, 143, 66, 86, 217, 79, 138, 158, 166, 238, 109, 44, 73, 175, 114, 67, 88,
                      137, 119, 65, 76, 135, 212, 63, 100, 91, 71, 121, 36, 30, 54, 72]}
    write("size/a/a.pgm", pgm(7, 5, [v for row in table for v in row]))
    for size, wanted in pillow.items():
        convert("images", "size", "--grey", "--size", size, "--quiet")
        got = dump()["x"]["rows"][0]
        if len(got) != len(wanted) or any(abs(a - b) > 1 for a, b in zip(got, wanted)):
            fail(f"images --size {size}: {got}, wanted {wanted}")
    # Names in order of their bytes, classes in turns, parts by folders.
    for c, n in (("dog", 2), ("cat", 4)):
        for i in reversed(range(n)):
            write(f"tree/train/{c}/{i}.pgm", pgm(1, 1, [10 * n + i]))
        write(f"tree/test/{c}/x.pgm", pgm(1, 1, [n]))
    convert("images", "tree", "--grey", "--quiet")
    got = dump("/train/x", "/train/y", "/test/x", "/test/y")
    same("images in turns", [v[0] for v in got["/train/x"]["rows"]], [40, 20, 41, 42, 21, 43])
    same("labels in turns", [v[0] for v in got["/train/y"]["rows"]], [0, 1, 0, 0, 1, 0])
    same("images of the test part", (got["/test/x"]["rows"], got["/test/y"]["rows"]), ([[4], [2]], [[0], [1]]))
    same("class names", got["/train/y"]["classes"], ["cat", "dog"])
    shutil.copytree("tree/train", "again/train")
    shutil.copytree("tree/test", "again/test")
    convert("images", "again", "--grey", "--quiet")
    same("the same images elsewhere", dump("/train/x", "/train/y", "/test/x", "/test/y"), got)
    convert("images", "tree/train", "--grey", "--validation", "0.5", "--quiet")
    seen = json.loads(run("inspect", "--json", "out.h5").stdout)
    same("images --validation", sorted(d["name"] for d in seen["datasets"])[-2:], ["/validation/x", "/validation/y"])

    refused(2, "there is a folder tree/test", "images", "tree", "--test", "0.5")
    refused(2, 'size "0" is not allowed', "images", "tree", "--size", "0")
    refused(2, 'size "3x" is not allowed', "images", "tree", "--size", "3x")
    refused(2, 'size "5000" is not allowed', "images", "tree", "--size", "5000")
    refused(2, "a.bin: is a file", "images", "a.bin")
    refused(1, "nowhere", "images", "nowhere")
    write("uneven/a/a.pgm", pgm(1, 1, [0]))
    write("uneven/a/b.pgm", pgm(2, 1, [0, 0]))
    refused(3, "uneven/a/b.pgm: 1 x 2 pixels, where the images before it have 1 x 1", "images", "uneven")
    os.makedirs("void/a")
    refused(3, "void/a: a class without images", "images", "void")
    os.makedirs("none")
    refused(3, "none: holds no folders", "images", "none")
    write("loose/a.png", ways["a.png"])
    refused(3, "loose/a.png: an image outside of the folders of classes", "images", "loose")
    write("deep/a/b/c.png", ways["a.png"])
    refused(3, "deep/a: holds a folder b", "images", "deep")
    write("new/train/a/a.pgm", pgm(1, 1, [0]))
    write("new/test/b/a.pgm", pgm(1, 1, [0]))
    refused(3, "new/test/b: a class that new/train doesn't have", "images", "new")
    huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 8, 2, 0, 0, 0))
    wide = png(30000, 30000, 8, 2, [b""])
    bad = {
        "empty.png": (b"", "the file is empty"), "text.png": (b"hello", "begins like no PNG"),
        "cut.png": (ways["a.png"][:-30], "PNG file is damaged"), "huge.png": (huge, "PNG file is damaged"),
        "wide.png": (wide, "30000 x 30000 pixels"), "cut.jpg": (JPEG[:-8], "JPEG file is damaged"),
        "head.jpg": (JPEG[:30], "JPEG file is damaged"), "cut.pgm": (pgm(9, 9, [1] * 80), "the file ends at pixel 80"),
        "huge.pgm": (b"P5 30000 30000 255\n", "30000 x 30000 pixels"), "deep.pgm": (b"P5 2 2 70000\n" + b"0" * 8, "header"),
        "more.pgm": (pgm(1, 1, [9], 5), "holds a wrong value"), "zero.pgm": (b"P5 0 2 255\n", "2 x 0 pixels"),
        "odd.ppm": (b"P6 2\n", "header of the PPM file is damaged"),
        "sum.png": (ways["a.png"][:45] + b"\0" + ways["a.png"][46:], "PNG file is damaged"),
    }
    for name, (data, part) in bad.items():
        shutil.rmtree("bad", ignore_errors=True)
        write(f"bad/a/{name}", data)
        refused(3, part, "images", "bad", "--size", "4")
        refused(3, f"bad/a/{name}", "images", "bad", "--size", "4")
    for data, name in ((ways["a.png"], "a.png"), (JPEG, "a.jpg")):
        for at in range(0, len(data), 1 if os.environ.get("LOCKSTEP_TEST_FULL") else 5):
            write(f"flip/a/{name}", data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:])
            got = run("convert", "images", "flip", "--size", "2", "-o", "out.h5", "--quiet")
            if got.returncode not in (0, 3):
                fail(f"{name} with byte {at} changed: {got.returncode} {got.stderr}")
        shutil.rmtree("flip")
    plain = os.path.join(BUILD, "tests/cli/lockstep_without_images")
    refused(3, "one/only/a.png: a PNG file, and this lockstep was built without libpng", "images", "one", program=plain)
    refused(3, "a JPEG file, and this lockstep was built without libjpeg", "images", "jpeg", program=plain)
    got = run("convert", "images", "tree", "-o", "out.h5", program=plain)
    same("PGM without libraries", got.returncode, 0)


# ---- categories

def check_categories():
    write("c.csv", b"user,age,Home town!,y\nbob,3,10,1.5\nann,4,9,2.5\nbob,5,9,3.5\n\"x, y\",6,100,4.5\n")
    said = convert("csv", "c.csv", "--category", "user", "--category", "Home town!")
    got = dump("/train/x", "/train/user", "/train/Home_town", "/train/y")
    same("categories", [got[f"/train/{k}"]["rows"] for k in ("x", "user", "Home_town", "y")],
         [[[3], [4], [5], [6]], [[1], [0], [1], [2]], [[1], [0], [0], [2]], [[1.5], [2.5], [3.5], [4.5]]])
    same("their names", (got["/train/user"]["classes"], got["/train/Home_town"]["classes"]),
         (["ann", "bob", "x, y"], ["9", "10", "100"]))
    same("other columns", got["/train/x"]["columns"], ["age"])
    if "inputs: {x: x, user: user, Home_town: Home_town}, targets: y}" not in said or "input_dim: 3" not in said:
        fail(f"categories: {said}")
    write("only.csv", b"1,1,5\n2,1,6\n1,3,7\n")
    said = convert("csv", "only.csv", "--category", "1,2")
    same("categories alone", dump("/train/column_1", "/train/column_2")["/train/column_2"]["rows"], [[0], [0], [1]])
    if "inputs: {column_1: column_1, column_2: column_2}, targets: y" not in said:
        fail(f"categories alone: {said}")
    convert("csv", "only.csv", "--category", "1,2", "--validation", "0.5", "--seed", "3", "--quiet")
    seen = json.loads(run("inspect", "--json", "out.h5").stdout)
    same("categories of parts", len(seen["datasets"]), 6)
    write("hole.csv", b"user,y\nbob,1.5\n,2.5\nann,3.5\n")
    refused(3, "hole.csv:3: column 1 (user): the value is missing", "csv", "hole.csv", "--category", "user")
    refused(3, "a category has no mean", "csv", "hole.csv", "--category", "user", "--missing", "mean")
    convert("csv", "hole.csv", "--category", "user", "--missing", "drop", "--quiet")
    same("a row left out", dump("/train/user")["/train/user"]["rows"], [[1], [0]])
    refused(2, "there is no such column", "csv", "c.csv", "--category", "uesr")
    refused(2, "column 1 is named twice", "csv", "c.csv", "--category", "user", "--drop", "user")
    write("twice.csv", b"a b,a?b,x,z\n1,2,3,4.5\n2,1,3,4.5\n")
    convert("csv", "twice.csv", "--category", "1,2,3", "--quiet")
    names = sorted(d["name"] for d in json.loads(run("inspect", "--json", "out.h5").stdout)["datasets"])
    same("names that are taken", names, ["/train/a_b", "/train/a_b_2", "/train/x_2", "/train/y"])


# ---- text

def tokens(*names):
    return {n.split("/")[1]: [r[0] for r in a["rows"]] for n, a in dump(*(f"/{n}/tokens" for n in names)).items()}


def vocabulary(part="train"):
    seen = json.loads(run("inspect", "--json", "out.h5").stdout)
    return json.loads([d for d in seen["datasets"] if d["name"] == f"/{part}/tokens"][0]["attributes"]["vocabulary"])


def check_text():
    text = "to be, or\nnot to be \u00e4\u20ac"
    write("a.txt", text.encode())
    said = convert("text", "a.txt")
    letters = sorted(set(text))
    same("characters", tokens("train"), {"train": [letters.index(c) for c in text]})
    same("their vocabulary", vocabulary(), {"kind": "characters", "tokens": letters})
    if f"a vocabulary of {len(letters)} characters" not in said or f"input_dim: {len(letters)}" not in said:
        fail(f"text: {said}")
    if f"{len(letters)} characters: \\n ,beno" not in run("inspect", "out.h5").stdout:
        fail("inspect of text: " + run("inspect", "out.h5").stdout)
    shutil.copy("out.h5", "own.h5")
    # several files, and parts in time: the rest of a letter is not cut off
    write("b.txt.gz", gzip.compress(b"be not"))
    joined = text + "\nbe not"
    raw = joined.encode()
    refused(3, "U+00E4", "text", "a.txt", "b.txt.gz", "--validation", "0.4", "--test", "0.2")
    convert("text", "a.txt", "b.txt.gz", "--validation", "0.3", "--test", "0.2", "--vocabulary-from", "own.h5",
            "--quiet")
    parts = tokens("train", "validation", "test")
    letters = sorted(set(text))
    same("parts", "".join(letters[t] for p in ("train", "validation", "test") for t in parts[p]), joined)
    same("test part", "".join(letters[t] for t in parts["test"]), raw[int(len(raw) * 0.8):].decode())
    same("vocabulary from", vocabulary("test"), {"kind": "characters", "tokens": letters})
    convert("text", "a.txt", "--vocabulary", "bytes", "--quiet")
    same("bytes", tokens("train"), {"train": list(text.encode())})
    many = b"lower " * 400
    write("many.txt", many)
    convert("text", "many.txt", "--vocabulary", "byte_pairs", "--vocabulary-size", "300", "--gzip", "3", "--quiet")
    pairs = vocabulary()["merges"]
    known = [bytes([i]) for i in range(256)]
    for a, b in pairs:
        known.append(known[a] + known[b])
    got = tokens("train")["train"]
    same("byte pairs", (b"".join(known[t] for t in got), len(pairs), len(got)), (many, 5, 401))
    # a vocabulary larger than what HDF5 keeps in an object's header
    write("wide.txt", "".join(chr(c) for c in range(0x4e00, 0x9000)).encode())
    convert("text", "wide.txt", "--quiet")
    same("many characters", (len(vocabulary()["tokens"]), tokens("train")["train"][-1]), (0x4200, 0x41ff))
    write("bad.txt", b"ab\xff")
    write("none.txt", b"")
    write("zero.txt", b"a\n\0")
    refused(3, "bad.txt: line 1, byte 2: the byte 0xff begins no letter of UTF-8; --vocabulary bytes", "text", "bad.txt")
    refused(3, "zero.txt: line 2, byte 2: a zero byte", "text", "a.txt", "zero.txt")
    refused(3, "none.txt: is empty", "text", "none.txt", "--vocabulary", "bytes")
    refused(3, "a.txt: not an HDF5 file", "text", "a.txt", "--vocabulary-from", "a.txt")
    refused(2, "--seed: nothing is drawn", "text", "a.txt", "--seed", "3")
    refused(2, "--vocabulary-size is for", "text", "a.txt", "--vocabulary-size", "300")
    refused(2, "from 257 to", "text", "a.txt", "--vocabulary", "byte_pairs", "--vocabulary-size", "256")
    refused(2, "can't", "text", "a.txt", "--vocabulary", "bytes", "--vocabulary-from", "own.h5")


check_text()
check_cifar()
check_npz()
check_images()
check_categories()
os.chdir("/")
shutil.rmtree(work)
print("all good" if failures == 0 else f"{failures} failures")
sys.exit(failures > 0)
