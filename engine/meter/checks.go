package meter

import (
	"cmp"
	"slices"
)

// payAtEntry says of each function whether it pays at its entry in an untrusted module: if it calls another, or costs more
// than a call that isn't paid for should.
func payAtEntry(all []*analysis) []bool {
	checked := make([]bool, len(all))
	for i, a := range all {
		checked[i] = a.callsAny() || a.cost > LeafCost
	}
	return checked
}

// callSites decides which calls of a trusted module are followed by a check, so that every cycle of calls passes one: for
// each function one flag per call, nil if there is none. It returns the number of nodes taken out besides.
//
// The nodes of the graph are functions and the types of indirect calls; a call inside a loop is no edge, for the loop's
// own check is on every way through it. A feedback vertex set is found greedily: of each strongly connected component the
// node with the most edges on both sides is taken out, and what is left is decomposed again. A function that is taken out
// has checks after its calls, a type after all indirect calls of that type.
func callSites(m *module, all []*analysis) (sites [][]bool, taken int) {
	g := newCallGraph(m, all)
	cut, taken := g.feedbackSet()
	sites = make([][]bool, len(all))
	for i, a := range all {
		for k, c := range a.calls {
			target, ok := g.target(m, c)
			if c.loop || !ok || !cut[edge{int32(i), target}] {
				continue
			}
			if sites[i] == nil {
				sites[i] = make([]bool, len(a.calls))
			}
			sites[i][k] = true
		}
	}
	return sites, taken
}

// edge leads from a function to a function or type.
type edge struct{ from, to int32 }

// callGraph has a node for each defined function and, behind these, one for each type.
type callGraph struct {
	functions int
	canonical []int32   // first type that is equal to a type: call_indirect compares structures
	edges     [][]int32 // by node, sorted, each once
	into      [][]int32 // the same backwards
	component []int32   // stamp of the set that a node belongs to
	stamp     int32
	index     []int32 // of Tarjan's search, 0 = not seen
	low       []int32
	onStack   []bool
	in, out   []int32 // degrees within a component
}

func newCallGraph(m *module, all []*analysis) *callGraph {
	n := len(all)
	nodes := n + len(m.types)
	g := &callGraph{
		functions: n, canonical: make([]int32, len(m.types)), edges: make([][]int32, nodes),
		component: make([]int32, nodes), index: make([]int32, nodes), low: make([]int32, nodes),
		onStack: make([]bool, nodes), in: make([]int32, nodes), out: make([]int32, nodes),
	}
	byShape := map[string]int32{}
	for i, t := range m.types {
		shape := string(t.params) + "\x00" + string(t.results)
		if first, ok := byShape[shape]; ok {
			g.canonical[i] = first
		} else {
			byShape[shape], g.canonical[i] = int32(i), int32(i)
		}
	}
	// An indirect call may reach every function of its type whose address is taken anywhere, or that the host could put
	// into a table.
	taken := make([]bool, n)
	take := func(f uint32) {
		if f < m.importedFuncs || int(f-m.importedFuncs) >= n || taken[f-m.importedFuncs] {
			return
		}
		i := f - m.importedFuncs
		taken[i] = true
		t := n + int(g.canonical[m.funcs[i]])
		g.edges[t] = append(g.edges[t], int32(i))
	}
	for _, e := range m.elems {
		for _, f := range e.funcs {
			take(f)
		}
	}
	for _, x := range m.exports {
		if x.kind == kindFunc {
			take(x.index)
		}
	}
	for _, x := range m.globals { // code can put a reference that it finds in a global into a table
		if r := (&reader{b: x.init}); r.byte() == opRefFunc {
			take(r.u32())
		}
	}
	for i, a := range all {
		for _, f := range a.refs {
			take(f)
		}
		for _, c := range a.calls {
			if t, ok := g.target(m, c); ok && !c.loop {
				g.edges[i] = append(g.edges[i], t)
			}
		}
	}
	for i := range g.edges {
		slices.Sort(g.edges[i])
		g.edges[i] = slices.Compact(g.edges[i])
	}
	return g
}

// target is the node that a call leads to, if it is not an imported function.
func (g *callGraph) target(m *module, c call) (int32, bool) {
	if c.indirect {
		return int32(g.functions) + g.canonical[c.target], true
	}
	return int32(c.target) - int32(m.importedFuncs), c.target >= m.importedFuncs
}

// feedbackSet returns edges that are enough to break every cycle, and how many nodes they belong to.
func (g *callGraph) feedbackSet() (cut map[edge]bool, taken int) {
	g.into = make([][]int32, len(g.edges))
	everything := make([]int32, len(g.edges))
	for i := range everything {
		everything[i] = int32(i)
		for _, w := range g.edges[i] {
			g.into[w] = append(g.into[w], int32(i))
		}
	}
	cut = map[edge]bool{}
	work := [][]int32{everything}
	for len(work) > 0 {
		nodes := work[len(work)-1]
		work = work[:len(work)-1]
		for _, scc := range g.components(nodes) {
			if _, self := slices.BinarySearch(g.edges[scc[0]], scc[0]); len(scc) > 1 || self {
				rest := g.takeOut(scc, cut)
				taken += len(scc) - len(rest)
				work = append(work, rest)
			}
		}
	}
	return cut, taken
}

// takeOut takes the busiest nodes out of a component, notes the edges that this cuts, and returns the other nodes. One node
// at a time gives the smallest sets; in large components it is one in 500, for time. Edges to other components need no check,
// nor do those to nodes taken out earlier: no cycle that is left goes through them.
func (g *callGraph) takeOut(scc []int32, cut map[edge]bool) []int32 {
	g.stamp++
	for _, v := range scc {
		g.component[v], g.in[v], g.out[v] = g.stamp, 0, 0
	}
	for _, v := range scc {
		for _, w := range g.edges[v] {
			if g.component[w] == g.stamp {
				g.out[v]++
				g.in[w]++
			}
		}
	}
	weight := func(v int32) int64 { return int64(g.in[v]) * int64(g.out[v]) / int64(min(g.in[v], g.out[v])+1) }
	slices.SortFunc(scc, func(v, w int32) int { return cmp.Or(cmp.Compare(weight(w), weight(v)), cmp.Compare(v, w)) })
	n := 1 + len(scc)/500
	for _, v := range scc[:n] {
		// Of a function either the calls that it makes or those that it gets; of a type the indirect calls.
		if int(v) >= g.functions || g.in[v] < g.out[v] && !g.calledByType(v) {
			for _, u := range g.into[v] {
				if g.component[u] == g.stamp {
					cut[edge{u, v}] = true
				}
			}
			continue
		}
		for _, w := range g.edges[v] {
			if g.component[w] == g.stamp {
				cut[edge{v, w}] = true
			}
		}
	}
	return scc[n:]
}

// calledByType says whether a type of the component that is being worked on leads to function v.
func (g *callGraph) calledByType(v int32) bool {
	return slices.ContainsFunc(g.into[v], func(u int32) bool { return int(u) >= g.functions && g.component[u] == g.stamp })
}

// components finds the strongly connected components of a set of nodes (Tarjan's algorithm, without recursion).
func (g *callGraph) components(nodes []int32) [][]int32 {
	g.stamp++
	for _, v := range nodes {
		g.component[v], g.index[v] = g.stamp, 0
	}
	member := g.stamp
	type frame struct {
		v    int32
		next int
	}
	var found [][]int32
	var stack []int32
	var frames []frame
	var counter int32
	for _, root := range nodes {
		if g.index[root] != 0 {
			continue
		}
		frames = append(frames[:0], frame{v: root})
	search:
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v := f.v
			if g.index[v] == 0 {
				counter++
				g.index[v], g.low[v], g.onStack[v] = counter, counter, true
				stack = append(stack, v)
			}
			for f.next < len(g.edges[v]) {
				w := g.edges[v][f.next]
				f.next++
				if g.component[w] != member {
					continue
				}
				if g.index[w] == 0 {
					frames = append(frames, frame{v: w})
					continue search
				}
				if g.onStack[w] {
					g.low[v] = min(g.low[v], g.index[w])
				}
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				p := frames[len(frames)-1].v
				g.low[p] = min(g.low[p], g.low[v])
			}
			if g.low[v] == g.index[v] {
				from := len(stack) - 1
				for stack[from] != v {
					from--
				}
				for _, w := range stack[from:] {
					g.onStack[w] = false
				}
				found = append(found, slices.Clone(stack[from:]))
				stack = stack[:from]
			}
		}
	}
	return found
}
