"""Writes the lock file of a guest: what went in, what came out.

usage: lock.py LOCK --root DIR --inputs DIR... --sources FILE... --outputs ARTEFACT=UNCOMPRESSED... --tools COMMAND...

Paths are relative to --root. `inputs` are the project's own files (scripts and guest sources), each with its SHA-256; a
test compares them with the tree, so that a change without a rebuild is noticed. `packages` are the pinned packages as the
source scripts name them.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def packages(files):
    found = []
    call = re.compile(r"fetch_(source|deb|wheel) (\S+) (\S+) (\S+) ([0-9a-f]{64})\b[^#]*(?:#\s*(.*))?")
    for file in files:
        with open(file) as f:
            for m in call.finditer(f.read()):
                kind, package, suite, name, digest, licence = m.groups()
                origin = "version" if kind == "wheel" else "suite"
                found.append({"package": package, "kind": kind, origin: suite, "file": name, "sha256": digest, "licence": licence or "see package"})
    return found


def main():
    p = argparse.ArgumentParser()
    p.add_argument("lock")
    p.add_argument("--root", required=True)
    p.add_argument("--inputs", nargs="+", required=True)
    p.add_argument("--sources", nargs="+", required=True)
    p.add_argument("--outputs", nargs="+", required=True)
    p.add_argument("--tools", nargs="+", default=[])
    a = p.parse_args()
    inputs = {}
    for folder in a.inputs:
        for base, dirs, files in os.walk(os.path.join(a.root, folder)):
            dirs[:] = sorted(d for d in dirs if d != "__pycache__")
            for name in sorted(files):
                path = os.path.join(base, name)
                inputs[os.path.relpath(path, a.root)] = sha256(path)
    outputs = {}
    for pair in a.outputs:
        artefact, plain = pair.split("=", 1)
        path = os.path.join(a.root, artefact)
        outputs[artefact] = {
            "sha256": sha256(path), "size": os.path.getsize(path),
            "uncompressed_sha256": sha256(plain), "uncompressed_size": os.path.getsize(plain),
        }  # fmt: skip
    tools = [subprocess.run(t.split(), capture_output=True, text=True, check=True).stdout.splitlines()[0].strip() for t in a.tools]
    lock = {"packages": packages(a.sources), "tools": tools, "inputs": dict(sorted(inputs.items())), "outputs": outputs}
    with open(a.lock, "w") as f:
        json.dump(lock, f, indent="\t", ensure_ascii=False)
        f.write("\n")


main()
