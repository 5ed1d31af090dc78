"""Packs the standard library and the guest's Python files into one zip image of sourceless .pyc files.

usage: image.py OUT.zip LIB GUEST ZONEINFO LICENCE...   (run by the native interpreter of the same version)

The archive is stored, not deflated, so that the host can hand out slices of it; the whole is compressed with zstd for
shipping.
"""

import os
import sys

import archive

TARGET = "lib/python3.13"
SKIP_DIRS = {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "curses"}
SKIP_FILES = {"turtle.py", "antigravity.py", "this.py"}
PYREPL = {"__init__.py", "pager.py", "types.py"}  # what pydoc needs
KEEP_DATA = (".txt", ".pem", ".json", ".cfg")


def entries(lib, guest):
    for folder, dirs, files in os.walk(lib):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS)
        for name in sorted(files):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, lib)
            if name in SKIP_FILES and folder == lib or relative.startswith("_pyrepl/") and name not in PYREPL:
                continue
            if name.endswith(".py") or name.endswith(KEEP_DATA) and folder != lib:
                yield relative, path
    for name in sorted(os.listdir(guest)):
        if name.endswith(".py"):
            yield name, os.path.join(guest, name)


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
        name = TARGET + "/" + relative
        if name.endswith(".py"):
            contents[name + "c"] = archive.compiled(path, name)
        else:
            contents[name] = archive.read(path)
    for name, data in zones(zoneinfo):
        contents["share/zoneinfo/" + name] = data
    contents.update(archive.licences(licences))
    archive.write(out, contents)


main(*sys.argv[1:])
