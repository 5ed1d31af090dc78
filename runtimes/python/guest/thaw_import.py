"""How a function's own modules are found and read: compiled once per package by the host's leave, not by every instance.

What compile_file answers comes back as files under /var/cache/task (abi/README.md, section 5.3). A module of the package is
taken from there if it is there and whole, else from its source, as ever.
"""

import _frozen_importlib
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


# ---- the short way to a module of the package whose code is in the cache ----
#
# Most of what importlib does for a module is to find out what is known here: nothing in the package changes, there is one
# thread, and the code is in one file. The result is the same module. Whoever has put finders of their own into sys.meta_path
# gets importlib itself.

_plain = _frozen_importlib._find_and_load
_without_frames = _frozen_importlib._call_with_frames_removed
_first_finder = sys.meta_path[0]
_taken = frozenset(sys.builtin_module_names)
_modules = sys.modules
_listings = {}  # folder to the names in it, for folders of the package and the cache
_native = set()  # folders that hold modules in machine code, which go before others of their name
_TAG = ".{}.pyc".format(sys.implementation.cache_tag)


def _names(folder):
    names = _listings.get(folder)
    if names is None:
        try:
            names = frozenset(os.listdir(folder))
        except OSError:
            names = frozenset()
        _listings[folder] = names
        for name in names:
            if name.endswith((".so", ".pyd")):
                _native.add(folder)
                break
    return names


def _place(folder, tail):
    """Where the code of a module is: path of the source, whether it is a package; None if the cache hasn't got it."""
    below = folder[len(ROOT) :]
    compiled = _names(CACHE + below)
    if not compiled:
        return None
    names = _names(folder)
    if tail in names:  # a folder, or a namespace package if anything
        if tail in compiled and "__init__.pyc" in _names(CACHE + below + "/" + tail):
            folder += "/" + tail
            names, tail, package = _names(folder), "__init__", True
        else:
            return None
    elif tail + ".pyc" not in compiled or tail + ".py" not in names:
        return None
    else:
        package = False
    if folder in _native:
        for suffix in EXTENSION_SUFFIXES:
            if tail + suffix in names:
                return None
    return folder + "/" + tail + ".py", package


def _find_and_load(name, import_):
    if len(sys.meta_path) != 4 or sys.meta_path[0] is not _first_finder or name in _modules:
        return _plain(name, import_)
    parent, dot, tail = name.rpartition(".")
    if dot:
        if parent not in _modules:
            _without_frames(import_, parent)
            if name in _modules:
                return _modules[name]
        parent_module = _modules[parent]
        path = getattr(parent_module, "__path__", None)
        if path.__class__ is not list or len(path) != 1:
            return _plain(name, import_)
        folder = path[0]
        if folder.__class__ is not str or not folder.startswith(ROOT + "/"):
            return _plain(name, import_)
    else:
        if not sys.path or sys.path[0] != ROOT or name in _taken:
            return _plain(name, import_)
        folder = ROOT
    place = _place(folder, tail)
    if place is None:
        return _plain(name, import_)
    path, package = place
    code = cached_code(path)
    if code is None:
        return _plain(name, import_)

    loader = Loader(name, path)
    spec = _ModuleSpec(name, loader, origin=path, is_package=package)
    spec._set_fileattr = True
    folder, _, base = path.rpartition("/")
    spec._cached = cached = "{}/__pycache__/{}{}".format(folder, base[:-3], _TAG)
    module = _Module(name)
    attributes = module.__dict__
    attributes["__file__"], attributes["__cached__"], attributes["__loader__"], attributes["__spec__"] = path, cached, loader, spec
    attributes["__builtins__"] = builtins.__dict__
    if package:
        attributes["__package__"] = name
        attributes["__path__"] = spec.submodule_search_locations = [folder]
    else:
        attributes["__package__"] = parent
    parent_spec = getattr(parent_module, "__spec__", None) if dot else None
    if parent_spec is not None:
        parent_spec._uninitialized_submodules.append(tail)
    spec._initializing = True
    _modules[name] = module
    try:
        _without_frames(exec, code, attributes)
        module = _modules[name]
    except BaseException:
        _modules.pop(name, None)
        raise
    finally:
        spec._initializing = False
        if parent_spec is not None:
            parent_spec._uninitialized_submodules.pop()
    if dot:
        try:
            setattr(parent_module, tail, module)
        except AttributeError:
            pass
    return module


_find_and_load.__code__ = _find_and_load.__code__.replace(co_filename="<frozen importlib._bootstrap>")  # which tracebacks leave out


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
    _frozen_importlib._find_and_load = _find_and_load


def forget():
    """Drops what was seen of a package: the snapshot is made without one."""
    _listings.clear()
    _native.clear()
