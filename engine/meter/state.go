package meter

import (
	"fmt"
	"slices"
)

// Reason is one thing that keeps memory and globals from being the whole state of a module's instances.
type Reason struct {
	Kind ReasonKind
	// Subject is what of the module it is: "function 7: table.set", "import env.t", "global 3". Indices are those of the module
	// that Rewrite was given, whole index spaces.
	Subject string
	More    int // further functions of which the same is true
}

// ReasonKind says what kind of state it is that a snapshot would miss.
type ReasonKind uint8

const (
	// NoMemory: the module defines no memory; there is nothing to take a snapshot of.
	NoMemory ReasonKind = iota + 1
	// ImportedTable: a table belongs to the host or another module.
	ImportedTable
	// ImportedGlobal: a mutable global belongs to the host or another module.
	ImportedGlobal
	// ReferenceGlobal: a mutable global holds a reference or a vector, which the host can't read and write as a number.
	ReferenceGlobal
	// ChangedTable: code changes a table (table.set, table.init, table.copy, table.grow, table.fill).
	ChangedTable
	// DroppedData: code drops a passive data segment that code also copies from, so that whether it is dropped shows. Passive
	// segments that are never dropped, or never used, are no state.
	DroppedData
)

func (k ReasonKind) String() string {
	switch k {
	case NoMemory:
		return "no memory of its own"
	case ImportedTable:
		return "imported table"
	case ImportedGlobal:
		return "imported mutable global"
	case ReferenceGlobal:
		return "mutable global that is no number"
	case ChangedTable:
		return "code changes a table"
	case DroppedData:
		return "code drops a data segment that it also uses"
	}
	return fmt.Sprintf("ReasonKind(%d)", uint8(k))
}

// String is a clause for logs and errors, such as "code changes a table (function 7: table.set; 2 more functions)".
func (r Reason) String() string {
	switch {
	case r.Subject == "":
		return r.Kind.String()
	case r.More > 0:
		return fmt.Sprintf("%s (%s; %d more functions)", r.Kind, r.Subject, r.More)
	}
	return fmt.Sprintf("%s (%s)", r.Kind, r.Subject)
}

// MarshalText makes structured logs say what String says.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// judge decides whether memory and globals are the module's whole state.
func (out *Module) judge(m *module, all []*analysis) {
	reason := func(k ReasonKind, format string, args ...any) {
		out.Reasons = append(out.Reasons, Reason{Kind: k, Subject: fmt.Sprintf(format, args...)})
	}
	if m.memory == nil {
		reason(NoMemory, "")
	}
	for _, d := range m.imports {
		switch {
		case d.kind == kindTable:
			reason(ImportedTable, "import %s.%s", d.module, d.name)
		case d.kind == kindGlobal && d.mutable:
			reason(ImportedGlobal, "import %s.%s", d.module, d.name)
		}
	}
	// The functions of a kind share a reason; what is a string is what the first of them does.
	functions := func(k ReasonKind, what func(*analysis) string) {
		first := true
		for i, a := range all {
			switch s := what(a); {
			case s == "":
			case first:
				reason(k, "function %d: %s", int(m.importedFuncs)+i, s)
				first = false
			default:
				out.Reasons[len(out.Reasons)-1].More++
			}
		}
	}
	functions(ChangedTable, func(a *analysis) string { return a.tables })
	used := map[uint32]bool{}
	for _, a := range all {
		for _, s := range a.inits {
			used[s] = true
		}
	}
	functions(DroppedData, func(a *analysis) string {
		if i := slices.IndexFunc(a.drops, func(s uint32) bool { return used[s] }); i >= 0 {
			return fmt.Sprintf("data.drop %d", a.drops[i])
		}
		return ""
	})
	for i, g := range m.globals {
		switch {
		case !g.mutable:
		case g.numeric():
			out.Globals = append(out.Globals, Global{m.globalName(i), g.typ})
			out.Initial = append(out.Initial, constant(g.init))
		default:
			reason(ReferenceGlobal, "global %d", int(m.importedGlobals)+i)
		}
	}
	out.Snapshotable = len(out.Reasons) == 0
}
