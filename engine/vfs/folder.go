package vfs

import "slices"

// folder holds the names in a folder. Besides the map there is a list in order of creation, where every name has a number
// that is never used again: reading a folder in pieces resumes at a number, so that names made or deleted meanwhile neither
// repeat nor hide others, and an open descriptor needs no copy of the listing.
type folder struct {
	parent *node // nil: of the root and of a tree's root
	byName map[string]child
	order  []listed // by number; holes where names were deleted
	next   uint64
	peak   int // most names since byName was made
}

type child struct {
	n      *node
	number uint64
}

type listed struct {
	number uint64
	name   string
	n      *node // nil = deleted
}

func (d *folder) get(name []byte) *node { return d.byName[string(name)].n }

// put adds a name that does not exist. It keeps name.
func (d *folder) put(name string, n *node) {
	if d.byName == nil {
		d.byName = map[string]child{}
	}
	d.byName[name] = child{n, d.next}
	d.order = append(d.order, listed{d.next, name, n})
	d.next++
	d.peak = max(d.peak, len(d.byName))
}

// set makes a name stand for n, whatever it stood for.
func (d *folder) set(name string, n *node) {
	c, ok := d.byName[name]
	if !ok {
		d.put(name, n)
		return
	}
	i, _ := d.find(c.number)
	d.order[i].n = n
	d.byName[name] = child{n, c.number}
}

// remove deletes a name that exists and gives memory back in proportion.
func (d *folder) remove(name []byte) {
	c := d.byName[string(name)]
	i, _ := d.find(c.number)
	d.order[i].name, d.order[i].n = "", nil
	delete(d.byName, string(name))
	live := len(d.byName)
	if len(d.order) > 2*live+16 {
		d.order = slices.Clone(slices.DeleteFunc(d.order, func(l listed) bool { return l.n == nil }))
	}
	// A Go map never shrinks: a guest could make a large one in every folder and pay for a single file.
	if d.peak > 4*live+64 {
		d.byName = make(map[string]child, live)
		for _, l := range d.order {
			if l.n != nil {
				d.byName[l.name] = child{l.n, l.number}
			}
		}
		d.peak = live
	}
}

// find returns the index of the first name whose number is not below n.
func (d *folder) find(n uint64) (int, bool) {
	return slices.BinarySearchFunc(d.order, n, func(l listed, n uint64) int {
		switch {
		case l.number < n:
			return -1
		case l.number > n:
			return 1
		}
		return 0
	})
}

// from returns the first name whose number is not below n.
func (d *folder) from(n uint64) (listed, bool) {
	i, _ := d.find(n)
	for ; i < len(d.order); i++ {
		if d.order[i].n != nil {
			return d.order[i], true
		}
	}
	return listed{}, false
}
