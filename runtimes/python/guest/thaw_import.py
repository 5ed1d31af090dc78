"""How a function's own modules are found and read: compiled once per package by the host's leave, not by every instance.

What compile_file answers comes back as files under /var/cache/task (abi/README.md, section 5.3). A module of the package is
taken from there if it is there and whole, else from its source, as ever.
"""

import builtins
import importlib.machinery
import importlib.util
import marshal
import os
import sys
import types
from importlib._bootstrap_external import FileFinder, SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader, _code_to_hash_pyc

ROOT = "/var/task"
CACHE = "/var/cache/task"
EXTENSION_SUFFIXES = tuple(importlib.machinery.EXTENSION_SUFFIXES)
_MAGIC = importlib.util.MAGIC_NUMBER
_HEADER = 16  # bytes of a .pyc before the code
_READ = 64 << 10
_ModuleSpec, _Module = importlib.machinery.ModuleSpec, types.ModuleType
_open, _read, _close, _RDONLY, _loads = os.open, os.read, os.close, os.O_RDONLY, marshal.loads


def _contents(path):
    fd = _open(path, _RDONLY)
    try:
        data = part = _read(fd, _READ)
        while len(part) == _READ:
            part = _read(fd, _READ)
            data += part
    finally:
        _close(fd)
    return data


def compile_file(path):
    """The compiled form of a source file as bytes; None if it can't be compiled. Nothing of it runs."""
    try:
        source = _contents(path)
        code = compile(source, path, "exec", dont_inherit=True)
        return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))
    except Exception:
        return None


def cached_code(path):
    """The code of a source file of the package from the cache, or None."""
    if not path.startswith(ROOT + "/"):
        return None
    try:
        data = _contents(CACHE + path[len(ROOT) :] + "c")
        if data[:4] == _MAGIC:
            code = _loads(memoryview(data)[_HEADER:])
            if code.__class__ is types.CodeType:
                return code
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return None


class Loader(SourceFileLoader):
    """Loads a source file of the package."""

    def get_code(self, fullname):
        code = cached_code(self.path)
        return super().get_code(fullname) if code is None else code


_LOADERS = (
    (ExtensionFileLoader, list(EXTENSION_SUFFIXES)),
    (Loader, importlib.machinery.SOURCE_SUFFIXES),
    (SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
)


def _hook(path):
    if path != ROOT and not path.startswith(ROOT + "/"):
        raise ImportError("not in the package", path=path)
    if not os.path.isdir(path):
        raise ImportError("only directories are supported", path=path)
    return FileFinder(path, *_LOADERS)


def load_file(name, path):
    """Imports a module whose file is known, as importlib would without the search: most functions have one such file."""
    code = cached_code(path)
    if code is None:
        code = compile(_contents(path), path, "exec", dont_inherit=True)
    spec = _ModuleSpec(name, Loader(name, path), origin=path)
    spec.has_location = True
    spec.cached = cached = "{}/__pycache__/{}.{}.pyc".format(path.rpartition("/")[0], name, sys.implementation.cache_tag)
    module = _Module(name)
    module.__dict__.update(__file__=path, __cached__=cached, __loader__=spec.loader, __package__="", __spec__=spec, __builtins__=builtins.__dict__)
    spec._initializing = True
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        spec._initializing = False
    return sys.modules.get(name, module)


class NativeFinder:
    """The last finder: says why a module that is there as machine code can't be imported, instead of that it is missing."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        tail = name.rpartition(".")[2] + "."
        for folder in sys.path if path is None else path:
            if not folder.startswith(("/var/task", "/opt", "/tmp")):
                continue
            try:
                entries = os.listdir(folder)
            except OSError:
                continue
            for entry in entries:
                if entry.startswith(tail) and entry.endswith((".so", ".pyd")):
                    message = "{}/{} is native code, which can't run in this sandbox; a pure Python version of the package is needed"
                    raise ModuleNotFoundError(message.format(folder, entry), name=name)
        return None


def install():
    sys.path_hooks.insert(0, _hook)
    sys.meta_path.append(NativeFinder)
