"""lockstep for Spack, from the repository that this file lies in:

    spack repo add scripts/packaging/spack
    spack install lockstep
"""
import os

from spack.package import *

try:  # Spack 1.0 keeps its build systems here
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:
    pass

# The link that Spack follows to this file is resolved: the repository's top folder.
TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.realpath(__file__)), *[os.pardir] * 5))


class Lockstep(CMakePackage):
    """Distributed data-parallel training of neural networks on CPU clusters, with the same weights, bit
    for bit, on any number of ranks."""

    git = "file://" + TOP

    version("main", branch="main")

    variant("images", default=True, description="Read folders of PNG and JPEG images")
    variant("audio", default=True, description="Read WAV and FLAC recordings")
    variant("plots", default=False, description="Draw pictures of runs with gnuplot")

    depends_on("c", type="build")
    depends_on("cmake@3.18:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("openmpi@4:")
    depends_on("openblas")
    depends_on("hdf5@1.10:")
    depends_on("libyaml")
    depends_on("zlib-api")
    depends_on("libpng", when="+images")
    depends_on("jpeg", when="+images")
    depends_on("libsndfile", when="+audio")
    depends_on("python@3:", type="run")  # lockstep scaling
    depends_on("gnuplot", when="+plots", type="run")

    def cmake_args(self):
        return [
            self.define("LOCKSTEP_TESTS", False),
            self.define_from_variant("LOCKSTEP_IMAGES", "images"),
            self.define_from_variant("LOCKSTEP_AUDIO", "audio"),
            self.define("HDF5_PREFER_PARALLEL", self.spec.satisfies("^hdf5+mpi")),
        ]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(join_path(self.prefix.bin, "lockstep"))("--version")
