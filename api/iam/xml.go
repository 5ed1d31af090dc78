package iam

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"
)

// node is an XML element: one with text or one with children.
type node struct {
	name string
	text string
	kids []node
}

func text(name, value string) node           { return node{name: name, text: value} }
func number(name string, n int) node         { return text(name, strconv.Itoa(n)) }
func boolean(name string, b bool) node       { return text(name, strconv.FormatBool(b)) }
func date(name string, t time.Time) node     { return text(name, t.UTC().Format(time.RFC3339)) }
func element(name string, kids ...node) node { return node{name: name, kids: kids} }

// optional is an element that is left out if it has no text.
func optional(name, value string) []node {
	if value == "" {
		return nil
	}
	return []node{text(name, value)}
}

// members is a list as the query protocol has it: each of its elements is called member. An empty list is an element too, so
// that clients find it.
func members(name string, lists ...[]node) node {
	n := node{name: name}
	for _, kids := range lists {
		n.kids = append(n.kids, node{name: "member", kids: kids})
	}
	return n
}

// strings is a list of texts.
func texts(name string, all []string) node {
	n := node{name: name}
	for _, s := range all {
		n.kids = append(n.kids, text("member", s))
	}
	return n
}

func (n *node) write(b *bytes.Buffer, attributes string) {
	b.WriteString("<" + n.name + attributes + ">")
	_ = xml.EscapeText(b, []byte(n.text)) // a buffer does not fail
	for i := range n.kids {
		n.kids[i].write(b, "")
	}
	b.WriteString("</" + n.name + ">")
}
