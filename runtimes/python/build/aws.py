"""Packs boto3 and what it needs into one zip image: sourceless .pyc files, and the service models without their prose.

usage: aws.py OUT.zip SITE LICENCE...   (run by the native interpreter of the same version)

SITE is a folder of unpacked wheels. The models keep everything that a client computes with; descriptions, nine tenths of
them, and recorded examples only feed help(). Models are deflated, since a function reads one or two of four hundred.
"""

import gzip
import json
import os
import sys

import archive

KEEP_DATA = (".pem", ".json", ".json.gz")
DATA = "botocore/data/"


def without_prose(model):
    if isinstance(model, dict):
        return {k: without_prose(v) for k, v in model.items() if not (k == "documentation" and isinstance(v, str))}
    if isinstance(model, list):
        return [without_prose(v) for v in model]
    return model


def model(data):
    slim = without_prose(json.loads(data))
    if isinstance(slim, dict):
        for parameter in slim.get("clientContextParams", {}).values():
            parameter["documentation"] = ""  # botocore takes it for granted, here alone
    return json.dumps(slim, separators=(",", ":"), ensure_ascii=False).encode()


def entries(site):
    for folder, dirs, files in os.walk(site):
        dirs[:] = sorted(d for d in dirs if d not in ("__pycache__", "examples"))
        for name in sorted(files):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, site)
            if name.endswith(".py"):
                yield relative + "c", archive.compiled(path, relative)
            elif ".dist-info/" in relative:
                if name == "METADATA":
                    yield relative, archive.read(path)
            elif name.startswith("examples-1.json"):
                continue
            elif name.endswith(KEEP_DATA):
                data = archive.read(path)
                if name.endswith(".gz"):
                    relative, data = relative.removesuffix(".gz"), gzip.decompress(data)
                if name.endswith((".json", ".json.gz")):
                    data = model(data)
                yield relative, data


def main(out, site, *licences):
    contents = dict(entries(site))
    contents.update(archive.licences(licences))
    archive.write(out, contents, lambda name: name.startswith(DATA))


main(*sys.argv[1:])
