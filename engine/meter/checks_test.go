package meter

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Whatever calls whatever, a cycle of calls in a trusted module passes a check: without the calls that are followed by one, and
// without those in loops, which have theirs, the graph of calls has no cycle.
func TestEveryCycleOfCallsPassesACheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "functions")
		m, all := randomCalls(n, func(most int) int { return rapid.IntRange(0, most).Draw(t, "choice") })
		sites, _ := callSites(m, all)
		if v := uncheckedCycle(m, all, sites); v >= 0 {
			t.Fatalf("function %d is reached from itself without a check", v)
		}
	})
	// In large components several functions are taken out at a time.
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 0))
		m, all := randomCalls(3000, func(most int) int { return random.IntN(most + 1) })
		sites, _ := callSites(m, all)
		if v := uncheckedCycle(m, all, sites); v >= 0 {
			t.Fatalf("seed %d: function %d is reached from itself without a check", seed, v)
		}
	}
}

// randomCalls makes up the calls of a module with n functions; pick returns a number from 0 to most.
func randomCalls(n int, pick func(most int) int) (*module, []*analysis) {
	m := &module{start: -1, importedFuncs: uint32(pick(2))}
	m.types = []funcType{{}, {params: []byte{valI32}}, {}, {results: []byte{valI32}}} // the first and the third are equal
	typ := func() uint32 { return uint32(pick(len(m.types) - 1)) }
	function := func() uint32 { return uint32(pick(int(m.importedFuncs) + n - 1)) }
	for range m.importedFuncs {
		m.importedTypes = append(m.importedTypes, 0)
	}
	density := 1 + pick(3)
	all := make([]*analysis, n)
	for i := range all {
		m.funcs = append(m.funcs, typ())
		all[i] = &analysis{}
		for range pick(density) {
			c := call{loop: pick(3) == 0, indirect: pick(2) == 0}
			if c.indirect {
				c.target = typ()
			} else {
				c.target = function()
			}
			all[i].calls = append(all[i].calls, c)
		}
		if pick(3) == 0 {
			all[i].refs = append(all[i].refs, function())
		}
	}
	m.elems = []segment{{}}
	for range pick(n) {
		m.elems[0].funcs = append(m.elems[0].funcs, function())
	}
	m.exports = []exportDesc{{"x", kindFunc, function()}}
	m.globals = []globalDesc{{typ: refFunc, init: append(appendU32([]byte{opRefFunc}, function()), opEnd)}}
	return m, all
}

// uncheckedCycle returns a function on a cycle of calls without a check, -1 if there is none. An indirect call is taken to lead
// to every function of an equal type whose address is taken by an element segment, code, or a global, or that is exported.
func uncheckedCycle(m *module, all []*analysis, sites [][]bool) int {
	reachable := append([]uint32{m.exports[0].index}, m.elems[0].funcs...)
	reachable = append(reachable, (&reader{b: m.globals[0].init, pos: 1}).u32())
	for _, a := range all {
		reachable = append(reachable, a.refs...)
	}
	shape := func(t uint32) string { return string(m.types[t].params) + ">" + string(m.types[t].results) }
	indirect := map[string][]int{}
	for _, f := range reachable {
		if f >= m.importedFuncs {
			s := shape(m.funcs[f-m.importedFuncs])
			indirect[s] = append(indirect[s], int(f-m.importedFuncs))
		}
	}
	edges := make([][]int, len(all))
	for i, a := range all {
		for k, c := range a.calls {
			switch {
			case c.loop || sites[i] != nil && sites[i][k]:
			case c.indirect:
				edges[i] = append(edges[i], indirect[shape(c.target)]...)
			case c.target >= m.importedFuncs:
				edges[i] = append(edges[i], int(c.target-m.importedFuncs))
			}
		}
	}
	const following, done = 1, 2
	state := make([]byte, len(all))
	var follow func(v int) int
	follow = func(v int) int {
		state[v] = following
		for _, w := range edges[v] {
			if state[w] == following {
				return w
			}
			if state[w] == 0 {
				if x := follow(w); x >= 0 {
					return x
				}
			}
		}
		state[v] = done
		return -1
	}
	for v := range all {
		if state[v] == 0 {
			if x := follow(v); x >= 0 {
				return x
			}
		}
	}
	return -1
}
