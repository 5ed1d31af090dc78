// Package meter rewrites WebAssembly modules so that the host can bound and measure what they do, and take snapshots of
// them. It is a pure function from bytes to bytes, with deterministic output.
//
// # Fuel
//
// The module gets a mutable i64 global, exported as FuelGlobal, and an import refuel (i64) -> i64 of module thaw. Metered code
// subtracts the cost of what it is about to execute, in instructions; where the balance is negative it calls refuel with the
// balance and goes on with what that returns. The host sets the global before a call, and in refuel it checks deadlines,
// accounts, sleeps, or panics with a typed error to end the call. refuel must return at least CostCap.
//
// Where checks are:
//
//   - in every loop. A loop is wrapped so that the call is outside the hot path, which would spoil the compiler's register
//     allocation:
//
//     loop $outer
//     fuel < 0 ? fuel = refuel(fuel)
//     loop $inner
//     fuel -= cost
//     fuel < 0 ? br $outer
//     body, whose branches to the loop go to $inner
//     end
//     end
//
//   - at the entry of functions: of every function that calls (Config.Trusted false), or of those that are enough to break
//     every cycle of the call graph (Trusted), where an indirect call may reach any function of its type whose address is
//     taken. Recursion therefore always pays. A trusted module doesn't call refuel there but traps once the balance is below
//     Floor.
//
//   - before memory.copy, memory.fill, memory.init, table.copy, table.fill, table.init, which cost one unit per 64 bytes (or
//     element) besides, and table.grow.
//
// The cost of a loop's round is the number of instructions in its body outside inner loops, capped at CostCap; straight-line
// code between loops is charged with its function's entry where that is checked, and is bounded by the module's size where
// not.
//
// # Snapshots
//
// Every mutable global is exported, so that linear memory and globals are the whole state, unless the module changes
// tables, drops segments or uses passive ones: then Module.Snapshotable is false and Reasons says why. With
// Config.LiftData active data segments move from the module to Module.Image, so that instantiation doesn't copy them.
package meter
