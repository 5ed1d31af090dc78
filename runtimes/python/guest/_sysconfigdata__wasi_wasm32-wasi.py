# What sysconfig reports. CPython's build generates a file of this name that describes the build machine's paths; nothing in
# the sandbox can use those.
build_time_vars = {
    "EXT_SUFFIX": ".cpython-313-wasm32-wasi.so",
    "MULTIARCH": "wasm32-wasi",
    "Py_DEBUG": 0,
    "Py_ENABLE_SHARED": 0,
    "Py_GIL_DISABLED": 0,
    "SOABI": "cpython-313-wasm32-wasi",
    "TZPATH": "/var/runtime/share/zoneinfo",
    "VERSION": "3.13",
}
