// Command bench measures Thaw against yardsticks in the same run and prints ratios.
//
// usage: go run ./bench [-seconds N] [-connections N] [http|engine|meter ...]
//
//   - http: requests per second and latency of a Python echo through the Lambda API, and of GetFunctionConfiguration, against a
//     raw fasthttp echo of the same payload (the ceiling).
//   - engine: cold and warm invocations in process, with and without per-request isolation, and the memory of idle instances.
//   - meter: Python workloads in the metered guest against the unmetered guest.
//
// Machines are shared and noisy: trust ratios, and let nothing else run.
package main
