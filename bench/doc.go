// Command bench measures Thaw against yardsticks in the same run and prints ratios.
//
// usage: go run ./bench [-seconds N] [-connections N] [http|auth|control|engine|meter|hostile|python|soak ...]
//
//   - http: requests per second and latency of a Python echo through the Lambda API, and of GetFunctionConfiguration, against a
//     raw fasthttp echo of the same payload (the ceiling).
//   - auth: what verifying signatures and evaluating policies add to a warm invocation.
//   - control: what changes functions take, synced to disk, and the start with 100,000 functions.
//   - engine: cold and warm invocations in process, with and without per-request isolation, and the memory of idle instances.
//   - meter: workloads in the metered guests against the unmetered ones, and against unmetered ones before wasm-opt where the
//     build uses it and its folder is there (THAW_BUILD_DIR).
//   - hostile: how late endless loops are stopped, what others feel beside them, how processors are shared.
//   - python (only when named): the workloads in the metered Python guest against a native interpreter of the same version,
//     python3.13 or what THAW_NATIVE_PYTHON names.
//   - soak (only when named): a mixed load with failures of every kind, and whether anything grows. -soak sets its seconds.
//
// Machines are shared and noisy: trust ratios, and let nothing else run.
package main
