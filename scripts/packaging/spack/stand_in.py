"""What spack/packages/lockstep/package.py gives CMake, where there is no Spack: a stand-in for the part of
Spack's package language that the file uses.

    stand_in.py PACKAGE.PY [+VARIANT|~VARIANT...]

prints an option a line.  It says nothing of whether Spack itself takes the file."""
import importlib.util
import sys
import types

defaults, versions, dependencies = {}, [], []
chosen = {}


class Spec:
    def satisfies(self, text):
        return text == "^hdf5+mpi"


class CMakePackage:
    spec = Spec()

    @staticmethod
    def define(name, value):
        kind = "BOOL" if isinstance(value, bool) else "STRING"
        return f"-D{name}:{kind}={('ON' if value else 'OFF') if isinstance(value, bool) else value}"

    def define_from_variant(self, name, variant):
        return self.define(name, {**defaults, **chosen}[variant])


def variant(name, default, description):
    defaults[name] = default


def version(name, **where):
    versions.append((name, where))


def depends_on(what, type=("build", "link"), when=None):
    if when is not None and when.lstrip("+~") not in defaults:
        sys.exit(f"depends_on({what}): there is no variant {when}")
    dependencies.append(what)


def decorator(*_, **__):
    return lambda function: function


language = types.ModuleType("spack.package")
for name, thing in {"CMakePackage": CMakePackage, "variant": variant, "version": version, "depends_on": depends_on,
                    "run_after": decorator, "on_package_attributes": decorator}.items():
    setattr(language, name, thing)
sys.modules["spack"] = types.ModuleType("spack")
sys.modules["spack.package"] = language

for word in sys.argv[2:]:
    chosen[word[1:]] = word[0] == "+"
spec = importlib.util.spec_from_file_location("package", sys.argv[1])
package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
unknown = set(chosen) - set(defaults)
if unknown or not versions or not dependencies:
    sys.exit(f"variants {unknown} are unknown, or there are no versions or dependencies")
print("\n".join(package.Lockstep().cmake_args()))
