// Package meter rewrites WebAssembly modules so that the host can bound and measure what they do, and take snapshots of
// them. It is a pure function from bytes to bytes, with deterministic output.
//
// # Fuel
//
// The module gets a mutable i64 global, exported as FuelGlobal, and an import refuel (i64) -> i64 of module thaw. Metered code
// subtracts the cost of what it executes, in instructions; where that would make the balance negative it calls refuel with
// the negative balance and goes on with what that returns. The host sets the global before a call, and in refuel it checks
// deadlines, accounts, sleeps, or panics with a typed error to end the call. Whatever refuel returns is right: 0 pays what
// was owed, and a loop that is still in debt calls again. The fuel that a call spends, the sum of what was granted less what
// was left at each refuel and at the end, doesn't depend on the size of the grants.
//
// Where checks are:
//
//   - in every loop: in loops that call, at the head of each round; in others before each round but the first, which counts
//     as part of what is around the loop. The call of refuel is outside the loop proper, which is wrapped for that: it would
//     spoil the compiler's register allocation. loop.go shows the forms.
//
//   - in an untrusted module (Config.Trusted false) at the entry of every function that calls another, or that costs more than
//     LeafCost.
//
//   - in a trusted module after calls, as many as are enough to break every cycle of the call graph. An indirect call may
//     reach any function of its type whose address is taken or that is exported; a call inside a loop is no edge of the
//     graph, for the loop has its check. After a call all that lives across it is saved already, so that the call of refuel
//     costs next to nothing; at entries it made the compiler save the parameters of thousands of small functions. Calls that
//     never return therefore end with the engine's stack, a matter of milliseconds, and calls that do return pay.
//
//   - before memory.copy, memory.fill, memory.init, table.copy, table.fill, table.init, table.grow, which cost one unit per
//     64 bytes or elements besides, and memory.grow, which costs one per page. The balance may become negative by that: the
//     debt is what refuel is told.
//
// The cost of a loop's round is the number of instructions in its body outside inner loops that pay for themselves, capped:
// CostCap in trusted modules, for the body of an interpreter's loop is mostly what a round does not execute, CostCapUntrusted
// in others.
// Straight-line code outside loops is charged with the checks of its function where there are any, and is bounded by the
// module's size where not.
//
// # Branches
//
// Metered code has br_if k behind a comparison written as if, br k+1, end. It means the same, and wazero compiles the first
// to a comparison whose result it makes a number of and tests, where the second becomes a comparison and a jump. That saves
// about what metering costs.
//
// # Depth of calls
//
// Config.MaxCallDepth counts nested calls of functions that call others in the global DepthGlobal. One too many calls refuel
// with DepthExceeded, and traps if that returns. It is for a limit below the engine's own.
//
// # Snapshots
//
// Every mutable global is exported, so that linear memory and globals are the whole state, unless the module changes
// tables, drops passive data that it also uses, or shares state with others: then Module.Snapshotable is false and Reasons
// says why. With
// Config.LiftData active data segments move from the module to Module.Image, so that instantiation doesn't copy them.
package meter
