"""Packs the standard library and the guest's Python files into one zip image of sourceless .pyc files.

usage: image.py OUT.zip LIB GUEST ZONEINFO LICENCE...   (run by the native interpreter of the same version)

The archive is stored, not deflated, so that the host can hand out slices of it; the whole is compressed with zstd for
shipping. Entries are sorted and dated alike: the same inputs give the same bytes. Code files carry an unchecked hash, so
that importing needs no source and no stat of one.
"""

import importlib._bootstrap_external as external
import importlib.util
import os
import sys
import zipfile

TARGET = "lib/python3.13"
ROOT = "/var/runtime/" + TARGET
SKIP_DIRS = {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "curses", "_pyrepl"}
SKIP_FILES = {"turtle.py", "antigravity.py", "this.py"}
KEEP_DATA = (".txt", ".pem", ".json", ".cfg")
DATE = (1980, 1, 1, 0, 0, 0)


def entries(lib, guest):
    for folder, dirs, files in os.walk(lib):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS)
        for name in sorted(files):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, lib)
            if name in SKIP_FILES and folder == lib:
                continue
            if name.endswith(".py") or name.endswith(KEEP_DATA) and folder != lib:
                yield relative, path
    for name in sorted(os.listdir(guest)):
        if name.endswith(".py"):
            yield name, os.path.join(guest, name)


def compiled(relative, path):
    with open(path, "rb") as f:
        source = f.read()
    code = compile(source, ROOT + "/" + relative, "exec", dont_inherit=True, optimize=0)
    return external._code_to_hash_pyc(code, importlib.util.source_hash(source), False)


def zones(folder):
    """The files of a time zone database in TZif format, by name."""
    for base, dirs, files in os.walk(folder):
        dirs[:] = sorted(d for d in dirs if d != "__pycache__")
        for name in sorted(files):
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                data = f.read()
            if data.startswith(b"TZif"):
                yield os.path.relpath(path, folder), data


def main(out, lib, guest, zoneinfo, *licences):
    contents = {}
    for relative, path in entries(lib, guest):
        if relative.endswith(".py"):
            contents[TARGET + "/" + relative + "c"] = compiled(relative, path)
        else:
            with open(path, "rb") as f:
                contents[TARGET + "/" + relative] = f.read()
    for name, data in zones(zoneinfo):
        contents["share/zoneinfo/" + name] = data
    for licence in licences:
        name, _, path = licence.partition("=")
        with open(path, "rb") as f:
            contents["licences/" + name] = f.read()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = 0o100444 << 16
            info.create_system = 3
            z.writestr(info, contents[name])
    print("{}: {} files, {} bytes".format(out, len(contents), os.path.getsize(out)))


main(*sys.argv[1:])
