package meter

import (
	"cmp"
	"slices"
)

// entryChecks decides which defined functions pay at their entry, so that every cycle of calls passes a check.
//
// Untrusted: every function that calls. Trusted: a feedback vertex set of the call graph, found greedily: in each strongly
// connected component the functions with the most edges inside are taken out, a share of the component at a time, and what
// is left is decomposed again. Indirect calls go through a node per type, which can't be taken out itself.
func entryChecks(m *module, all []*analysis, trusted bool) []bool {
	checked := make([]bool, len(all))
	if !trusted {
		for i, a := range all {
			checked[i] = len(a.calls) > 0 || len(a.indirect) > 0
		}
		return checked
	}
	g := newCallGraph(m, all)
	work := [][]int32{g.everything()}
	for len(work) > 0 {
		nodes := work[len(work)-1]
		work = work[:len(work)-1]
		for _, scc := range g.components(nodes) {
			if len(scc) == 1 && !g.loopsToItself(scc[0]) {
				continue
			}
			rest := g.takeOut(scc, checked)
			work = append(work, rest)
		}
	}
	return checked
}

type callGraph struct {
	functions int       // nodes below are functions, above are types
	edges     [][]int32 // by node
	in        []int32   // component number of a node while it is being worked on, 0 = out
	stamp     int32
}

func newCallGraph(m *module, all []*analysis) *callGraph {
	n := len(all)
	g := &callGraph{functions: n, edges: make([][]int32, n+len(m.types)), in: make([]int32, n+len(m.types))}
	// Structurally equal types are one type to call_indirect.
	canonical := make([]int32, len(m.types))
	byShape := map[string]int32{}
	for i, t := range m.types {
		shape := string(t.params) + "\x00" + string(t.results)
		if first, ok := byShape[shape]; ok {
			canonical[i] = first
		} else {
			byShape[shape], canonical[i] = int32(i), int32(i)
		}
	}
	taken := make([]bool, n)
	take := func(f uint32) {
		if f >= m.importedFuncs && int(f-m.importedFuncs) < n && !taken[f-m.importedFuncs] {
			i := f - m.importedFuncs
			taken[i] = true
			t := n + int(canonical[m.funcs[i]])
			g.edges[t] = append(g.edges[t], int32(i))
		}
	}
	for _, e := range m.elems {
		for _, f := range e.funcs {
			take(f)
		}
	}
	for _, a := range all {
		for _, f := range a.refs {
			take(f)
		}
	}
	for _, x := range m.globals { // code can put a reference that it finds in a global into a table
		if r := (&reader{b: x.init}); r.byte() == opRefFunc {
			take(r.u32())
		}
	}
	for i, a := range all {
		var out []int32
		for _, f := range a.calls {
			if f >= m.importedFuncs && int(f-m.importedFuncs) < n {
				out = append(out, int32(f-m.importedFuncs))
			}
		}
		for _, t := range a.indirect {
			if int(t) < len(canonical) {
				out = append(out, int32(n)+canonical[t])
			}
		}
		slices.Sort(out)
		g.edges[i] = slices.Compact(out)
	}
	return g
}

func (g *callGraph) everything() []int32 {
	nodes := make([]int32, len(g.edges))
	for i := range nodes {
		nodes[i] = int32(i)
	}
	return nodes
}

func (g *callGraph) loopsToItself(v int32) bool { return slices.Contains(g.edges[v], v) }

// takeOut marks the busiest functions of a component as checked and returns the rest of it.
func (g *callGraph) takeOut(scc []int32, checked []bool) []int32 {
	g.stamp++
	for _, v := range scc {
		g.in[v] = g.stamp
	}
	degree := make(map[int32][2]int, len(scc))
	for _, v := range scc {
		for _, w := range g.edges[v] {
			if g.in[w] == g.stamp {
				d := degree[v]
				d[0]++
				degree[v] = d
				d = degree[w]
				d[1]++
				degree[w] = d
			}
		}
	}
	functions := make([]int32, 0, len(scc))
	for _, v := range scc {
		if int(v) < g.functions {
			functions = append(functions, v)
		}
	}
	slices.SortFunc(functions, func(a, b int32) int {
		da, db := degree[a], degree[b]
		return cmp.Or(cmp.Compare(db[0]*db[1], da[0]*da[1]), cmp.Compare(a, b))
	})
	share := max(1, len(functions)/200)
	for _, v := range functions[:share] {
		checked[v] = true
		g.in[v] = 0
	}
	rest := make([]int32, 0, len(scc))
	for _, v := range scc {
		if g.in[v] == g.stamp {
			rest = append(rest, v)
		}
	}
	return rest
}

// components finds the strongly connected components of a set of nodes (Tarjan, without recursion).
func (g *callGraph) components(nodes []int32) [][]int32 {
	g.stamp++
	for _, v := range nodes {
		g.in[v] = g.stamp
	}
	member := g.stamp
	type state struct{ index, low int32 }
	states := make(map[int32]*state, len(nodes))
	type frame struct {
		v    int32
		next int
	}
	var found [][]int32
	var stack []int32
	onStack := map[int32]bool{}
	var counter int32
	for _, root := range nodes {
		if states[root] != nil {
			continue
		}
		frames := []frame{{v: root}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			s := states[f.v]
			if s == nil {
				counter++
				s = &state{counter, counter}
				states[f.v] = s
				stack = append(stack, f.v)
				onStack[f.v] = true
			}
			descended := false
			for f.next < len(g.edges[f.v]) {
				w := g.edges[f.v][f.next]
				f.next++
				if g.in[w] != member {
					continue
				}
				if ws := states[w]; ws == nil {
					frames = append(frames, frame{v: w})
					descended = true
					break
				} else if onStack[w] {
					s.low = min(s.low, ws.index)
				}
			}
			if descended {
				continue
			}
			v := f.v
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				p := states[frames[len(frames)-1].v]
				p.low = min(p.low, s.low)
			}
			if s.low == s.index {
				var scc []int32
				for {
					w := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					onStack[w] = false
					scc = append(scc, w)
					if w == v {
						break
					}
				}
				found = append(found, scc)
			}
		}
	}
	return found
}
