package policy

import (
	"strings"
	"unicode/utf8"
)

// pattern is a text with wildcards and variables, compiled. A variable's value stands for itself: wildcards in it are none.
type pattern struct {
	runes    []rune // where there are no variables
	pieces   []piece
	anything bool // "*"
}

// piece is a part of a pattern with variables.
type piece struct {
	runes    []rune // wildcards as below
	variable string // lower case; "" = runes
	fallback *string
}

// Wildcards among the runes of a pattern.
const (
	star        rune = -1 // any text
	one         rune = -2 // any character
	starSegment rune = -3 // any text without a colon
)

// syntax is what a pattern may consist of.
type syntax uint8

const (
	literal    syntax = 0
	wildcards  syntax = 1 << iota // * and ?
	variables                     // ${…}
	arnPattern                    // a star that does not end its segment stays within it (IAM User Guide, "Wildcards in ARNs")
)

// compile makes a pattern. A ${ that is never closed stands for itself.
func compile(text string, s syntax) *pattern {
	p := &pattern{anything: text == "*" && s&wildcards != 0}
	if s&variables == 0 || !strings.Contains(text, "${") {
		p.runes = compileRunes(nil, text, text, 0, s)
		return p
	}
	var runes []rune
	flush := func() {
		if len(runes) > 0 {
			p.pieces = append(p.pieces, piece{runes: runes})
			runes = nil
		}
	}
	for at := 0; at < len(text); {
		open := strings.Index(text[at:], "${")
		end := -1
		if open >= 0 {
			end = strings.IndexByte(text[at+open:], '}')
		}
		if end < 0 {
			runes = compileRunes(runes, text[at:], text, at, s)
			break
		}
		runes = compileRunes(runes, text[at:at+open], text, at, s)
		inside := text[at+open+2 : at+open+end]
		at += open + end + 1
		switch inside {
		case "*", "?", "$": // the characters themselves
			runes = append(runes, rune(inside[0]))
			continue
		}
		flush()
		name, rest, has := strings.Cut(inside, ",")
		v := piece{variable: strings.ToLower(strings.TrimSpace(name))}
		if rest = strings.TrimSpace(rest); has && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
			rest = rest[1 : len(rest)-1]
			v.fallback = &rest
		}
		p.pieces = append(p.pieces, v)
	}
	flush()
	if len(p.pieces) == 0 || len(p.pieces) == 1 && p.pieces[0].variable == "" { // only escaped characters
		for _, x := range p.pieces {
			p.runes = append(p.runes, x.runes...)
		}
		p.pieces = nil
	}
	return p
}

// compileRunes appends part, which begins at the given offset of whole.
func compileRunes(out []rune, part, whole string, at int, s syntax) []rune {
	for i, r := range part {
		switch {
		case s&wildcards != 0 && r == '?':
			r = one
		case s&wildcards != 0 && r == '*':
			r = star
			rest := whole[at+i+1:]
			if s&arnPattern != 0 && rest != "" && rest[0] != ':' && strings.Count(whole[:at+i], ":") < 5 {
				r = starSegment
			}
		}
		out = append(out, r)
	}
	return out
}

// expand replaces variables; false if one has no value.
func (p *pattern) expand(c Context) ([]rune, bool) {
	if p.pieces == nil {
		return p.runes, true
	}
	var out []rune
	for _, x := range p.pieces {
		if x.variable == "" {
			out = append(out, x.runes...)
			continue
		}
		values, ok := lookup(c, x.variable)
		switch {
		case ok && len(values) == 1:
			out = append(out, []rune(values[0])...)
		case x.fallback != nil:
			out = append(out, []rune(*x.fallback)...)
		default:
			return nil, false
		}
	}
	return out, true
}

// match says whether a pattern matches a text.
func (p *pattern) match(s string, c Context) bool {
	if p.anything {
		return true
	}
	runes, ok := p.expand(c)
	return ok && glob(runes, s)
}

// text is the pattern's text with its variables replaced, for operators that compare instead of matching.
func (p *pattern) text(c Context) (string, bool) {
	runes, ok := p.expand(c)
	return string(runes), ok
}

// glob matches in time proportional to the product of both lengths at worst.
func glob(p []rune, s string) bool {
	for _, r := range p {
		if r == starSegment {
			return globSegments(p, s)
		}
	}
	at, back, resume := 0, -1, 0 // back: behind the last star, resume: how much of s it has not swallowed yet
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case at < len(p) && (p[at] == r || p[at] == one):
			at++
			i += size
		case at < len(p) && p[at] == star:
			at++
			back, resume = at, i
		case back >= 0:
			_, size = utf8.DecodeRuneInString(s[resume:])
			resume += size
			at, i = back, resume
		default:
			return false
		}
	}
	for at < len(p) && p[at] == star {
		at++
	}
	return at == len(p)
}

// globSegments matches patterns in which some stars stop at colons, by keeping the set of positions that are possible.
func globSegments(p []rune, s string) bool {
	now, next := make([]bool, len(p)+1), make([]bool, len(p)+1)
	set := func(at []bool, i int) {
		for at[i] = true; i < len(p) && (p[i] == star || p[i] == starSegment); i++ {
			at[i+1] = true
		}
	}
	set(now, 0)
	for _, r := range s {
		clear(next)
		for i, possible := range now[:len(p)] {
			if !possible {
				continue
			}
			switch p[i] {
			case star:
				set(next, i)
			case starSegment:
				if r != ':' {
					set(next, i)
				}
			case one, r:
				set(next, i+1)
			}
		}
		now, next = next, now
	}
	return now[len(p)]
}

// matchARN matches each of the six components of an ARN for itself (IAM User Guide, "ARN condition operators"). Both are ARNs.
func matchARN(p []rune, s string) bool {
	for part := range 6 {
		want, have := p, s
		if part < 5 {
			i, j := indexRune(p, ':'), strings.IndexByte(s, ':')
			if i < 0 || j < 0 {
				return false
			}
			want, have, p, s = p[:i], s[:j], p[i+1:], s[j+1:]
		}
		if !glob(want, have) {
			return false
		}
	}
	return true
}

func indexRune(p []rune, r rune) int {
	for i, x := range p {
		if x == r {
			return i
		}
	}
	return -1
}
