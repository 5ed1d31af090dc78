"""Packs folders and files into one zip image, the same bytes for the same contents.

usage: image.py OUT.zip PLACE=PATH...    (PATH is a folder or a file)

The archive is stored, not deflated, so that the host can hand out slices of it; the whole is compressed with zstd for
shipping. Only botocore's models of services are deflated, since a function reads one or two of hundreds. They lose their prose, nine
tenths of them, and the recorded examples, which only feed help().
"""

import json
import os
import sys
import zipfile

DATE = (1980, 1, 1, 0, 0, 0)


MODELS = "botocore/data/"
EXAMPLES = "examples-1.json"


def without_prose(model):
    if isinstance(model, dict):
        return {k: without_prose(v) for k, v in model.items() if not (k == "documentation" and isinstance(v, str))}
    if isinstance(model, list):
        return [without_prose(v) for v in model]
    return model


def read(name, file):
    with open(file, "rb") as f:
        data = f.read()
    if name.startswith(MODELS) and name.endswith(".json"):
        data = json.dumps(without_prose(json.loads(data)), separators=(",", ":")).encode()
    return data


def files(place, path):
    if os.path.isfile(path):
        yield place, path
        return
    for base, dirs, names in os.walk(path):
        for name in names:
            file = os.path.join(base, name)
            inside = os.path.normpath(os.path.join(place, os.path.relpath(file, path)))
            if name != EXAMPLES:
                yield inside, file


def main(out, *pairs):
    contents = {}
    for pair in pairs:
        place, _, path = pair.partition("=")
        contents.update(files(place, path))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = 0o100444 << 16
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED if name.startswith(MODELS) else zipfile.ZIP_STORED
            z.writestr(info, read(name, contents[name]), compresslevel=9)
    print("{}: {} files, {} bytes".format(out, len(contents), os.path.getsize(out)))


main(*sys.argv[1:])
