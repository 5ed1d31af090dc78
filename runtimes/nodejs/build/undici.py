"""undici as a part of the built-in library: writes the files that its fetch needs to a folder, with requires by their ids in the
library, and prints a line for pack.c for each: id, arguments of its wrapper, file.

undici.py PACKAGE OUTPUT ARGUMENTS
"""
import os
import re
import sys

package, output, arguments = sys.argv[1:]
root = "internal/deps/undici/"


def resolve(base, spec):
    path = os.path.normpath(os.path.join(os.path.dirname(base), spec))
    for candidate in (path, path + ".js", os.path.join(path, "index.js")):
        if os.path.isfile(os.path.join(package, candidate)):
            return candidate
    sys.exit(f"undici: {base} requires {spec}, which is not there")


def identify(path):
    # Node's own library knows the bundle by this name.
    return root + ("undici" if path == "index-fetch.js" else path[: -len(".js")])


pending, done = ["index-fetch.js"], set()
while pending:
    path = pending.pop()
    if path in done:
        continue
    done.add(path)
    with open(os.path.join(package, path), encoding="utf8") as f:
        text = f.read()

    def replace(match):
        spec = match.group(1)
        if "llhttp" in spec and "wasm" in spec:
            return "undefined"  # thaw/undici brings the parser
        if spec == "node:http2":
            return "require('thaw/none')"  # undici does without where there is none
        if not spec.startswith("."):
            return f"require('{spec.removeprefix('node:')}')"
        target = resolve(path, spec)
        pending.append(target)
        return f"require('{identify(target)}')"

    text = re.sub(r"""require\(['"]([^'"]+)['"]\)""", replace, text)
    text = re.sub(r"\bWebAssembly\.", "require('thaw/undici').", text)
    file = os.path.join(output, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "w", encoding="utf8") as f:
        f.write(text)
for path in sorted(done):
    print(identify(path), arguments, os.path.join(output, path), sep="\t")
