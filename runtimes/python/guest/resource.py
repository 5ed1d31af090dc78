"""Limits and use of resources, as far as a sandbox knows its own."""

import collections
import os
import time

import _thaw

RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS = range(10)
RLIM_INFINITY = -1
RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD = 0, -1, 1
error = OSError
struct_rusage = collections.namedtuple(
    "struct_rusage",
    "ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock ru_msgsnd ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw",
)


def getrusage(who):
    if who == RUSAGE_CHILDREN:
        return struct_rusage(0.0, 0.0, *[0] * 14)
    return struct_rusage(time.process_time(), 0.0, _thaw.memory_size() >> 10, *[0] * 13)


def getrlimit(resource):
    if resource == RLIMIT_NOFILE:
        return (1024, 1024)
    if resource == RLIMIT_NPROC:
        return (1, 1)
    if resource == RLIMIT_AS and os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        size = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) << 20
        return (size, size)
    if not 0 <= resource <= RLIMIT_AS:
        raise ValueError("invalid resource specified")
    return (RLIM_INFINITY, RLIM_INFINITY)


def setrlimit(resource, limits):
    getrlimit(resource)
    raise ValueError("not allowed to raise or lower limits in this sandbox")


def getpagesize():
    return 65536
