"""Runs parts of CPython's own test suite inside a function: see python.go."""

import gc
import io
import logging
import os
import sys
import traceback
import types
import unittest

os.chdir("/tmp")  # tests write beside themselves

from test import support  # noqa: E402
from test.support import socket_helper  # noqa: E402

support.use_resources = []  # as a plain run of CPython's: nothing that needs a network, much time or large files
support.has_socket_support = True  # CPython believes of every WebAssembly platform that it has none
support.verbose = 0
socket_helper.has_gethostname = True
logging.getLogger().handlers.clear()  # the suite expects an interpreter as it starts, without Lambda's handler
logging.getLogger().setLevel(logging.WARNING)

sys.executable = __file__  # test_time reads the interpreter's file to find out the C library; there is none


class _Absent(types.ModuleType):
    """CPython's C test modules: what uses them is skipped, instead of all the tests of a module that imports one."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise unittest.SkipTest("needs the C test module " + self.__name__)


sys.modules["_testlimitedcapi"] = _Absent("_testlimitedcapi")

_cases = None


def _flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flatten(test)
        else:
            yield test


def _group(test):
    return "{}.{}".format(type(test).__module__, type(test).__qualname__)


def _load(module):
    """The module's test cases in a fixed order; each group is a class and stays together."""
    global _cases
    if _cases is None:
        # test_argparse refuses to be imported without processes, which few of its tests start.
        support.has_subprocess_support = module == "test_argparse"
        __import__("test." + module)
        support.has_subprocess_support = False
        suite = unittest.defaultTestLoader.loadTestsFromName("test." + module)
        _cases = sorted(_flatten(suite), key=lambda test: (_group(test), test.id()))
    return _cases


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(test.id())


def _last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else ""


def handler(event, context):
    try:
        cases = _load(event["module"])
    except unittest.SkipTest as exc:
        return {"refuse": str(exc)}
    except BaseException as exc:
        return {"broken": "{}: {}".format(type(exc).__name__, exc), "trace": traceback.format_exc()[-1500:]}
    if "first" not in event:
        return {"groups": [_group(test) for test in cases], "ids": [test.id() for test in cases]}
    chosen = cases[event["first"] : event["last"]]
    result = _Result()
    stdout, stderr = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    try:
        unittest.TestSuite(chosen).run(result)
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        gc.collect()
    failed = {}
    for test, text in result.failures + result.errors:
        name = getattr(test, "test_case", test).id()
        failed.setdefault(name, _last_line(text))
    for test in result.unexpectedSuccesses:
        failed.setdefault(test.id(), "unexpected success")
    skipped = {test.id(): reason for test, reason in result.skipped}
    passed = [name for name in result.passed if name not in failed] + [test.id() for test, _ in result.expectedFailures]
    return {"passed": passed, "failed": failed, "skipped": skipped}
