package policy

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Context gives the values of condition keys and policy variables. Keys are lower-case, such as "aws:sourceip". A key may
// have several values.
type Context interface {
	Values(key string) (values []string, ok bool)
}

// Keys is a Context held in a map. Its keys must be lower-case.
type Keys map[string][]string

// Values returns a key's values.
func (k Keys) Values(key string) ([]string, bool) {
	v, ok := k[key]
	return v, ok
}

func lookup(c Context, key string) ([]string, bool) {
	if c == nil {
		return nil, false
	}
	return c.Values(key)
}

// condition is one key of a Condition element's operator.
type condition struct {
	operator *operator
	ifExists bool
	set      set
	key      string // lower case
	values   []*pattern
}

// set is how an operator deals with keys of several values.
type set uint8

const (
	single set = iota
	forAnyValue
	forAllValues
)

// operator compares one value of the request with one of the policy.
type operator struct {
	negated bool // the values of the policy are those that must not match
	null    bool
	syntax  syntax
	check   func(value string) bool // of the policy's, at parsing; nil = anything
	compare func(have string, want *pattern, c Context) bool
}

// operators is all of them by name.
func operators() map[string]*operator {
	text := func(equal func(a, b string) bool) func(string, *pattern, Context) bool {
		return func(have string, want *pattern, c Context) bool {
			w, ok := want.text(c)
			return ok && equal(have, w)
		}
	}
	like := func(have string, want *pattern, c Context) bool { return want.match(have, c) }
	arn := func(have string, want *pattern, c Context) bool {
		runes, ok := want.expand(c)
		return ok && matchARN(runes, have)
	}
	number := func(holds func(have, want float64) bool) func(string, *pattern, Context) bool {
		return text(func(a, b string) bool {
			x, okX := parseNumber(a)
			y, okY := parseNumber(b)
			return okX && okY && holds(x, y)
		})
	}
	date := func(holds func(have, want time.Time) bool) func(string, *pattern, Context) bool {
		return text(func(a, b string) bool {
			x, okX := parseDate(a)
			y, okY := parseDate(b)
			return okX && okY && holds(x, y)
		})
	}
	equal := text(func(a, b string) bool { return a == b })
	ip := text(func(a, b string) bool {
		have, err := netip.ParseAddr(a)
		want, ok := parsePrefix(b)
		return err == nil && ok && want.Contains(have.Unmap())
	})
	isNumber := func(s string) bool { _, ok := parseNumber(s); return ok }
	isDate := func(s string) bool { _, ok := parseDate(s); return ok }
	isPrefix := func(s string) bool { _, ok := parsePrefix(s); return ok }
	isBool := func(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }
	isBase64 := func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil }
	isARN := func(s string) bool { return s == "*" || strings.Count(s, ":") >= 5 }
	arnAny := func(have string, want *pattern, c Context) bool { return want.anything || arn(have, want, c) }
	return map[string]*operator{
		"StringEquals":              {syntax: variables, compare: equal},
		"StringNotEquals":           {negated: true, syntax: variables, compare: equal},
		"StringEqualsIgnoreCase":    {syntax: variables, compare: text(strings.EqualFold)},
		"StringNotEqualsIgnoreCase": {negated: true, syntax: variables, compare: text(strings.EqualFold)},
		"StringLike":                {syntax: variables | wildcards, compare: like},
		"StringNotLike":             {negated: true, syntax: variables | wildcards, compare: like},
		"NumericEquals":             {syntax: variables, check: isNumber, compare: number(func(a, b float64) bool { return a == b })},
		"NumericNotEquals":          {negated: true, syntax: variables, check: isNumber, compare: number(func(a, b float64) bool { return a == b })},
		"NumericLessThan":           {syntax: variables, check: isNumber, compare: number(func(a, b float64) bool { return a < b })},
		"NumericLessThanEquals":     {syntax: variables, check: isNumber, compare: number(func(a, b float64) bool { return a <= b })},
		"NumericGreaterThan":        {syntax: variables, check: isNumber, compare: number(func(a, b float64) bool { return a > b })},
		"NumericGreaterThanEquals":  {syntax: variables, check: isNumber, compare: number(func(a, b float64) bool { return a >= b })},
		"DateEquals":                {syntax: variables, check: isDate, compare: date(time.Time.Equal)},
		"DateNotEquals":             {negated: true, syntax: variables, check: isDate, compare: date(time.Time.Equal)},
		"DateLessThan":              {syntax: variables, check: isDate, compare: date(time.Time.Before)},
		"DateLessThanEquals":        {syntax: variables, check: isDate, compare: date(func(a, b time.Time) bool { return !a.After(b) })},
		"DateGreaterThan":           {syntax: variables, check: isDate, compare: date(time.Time.After)},
		"DateGreaterThanEquals":     {syntax: variables, check: isDate, compare: date(func(a, b time.Time) bool { return !a.Before(b) })},
		"Bool":                      {syntax: variables, check: isBool, compare: text(strings.EqualFold)},
		"BinaryEquals":              {check: isBase64, compare: equal},
		"IpAddress":                 {syntax: variables, check: isPrefix, compare: ip},
		"NotIpAddress":              {negated: true, syntax: variables, check: isPrefix, compare: ip},
		"ArnEquals":                 {syntax: variables | wildcards, check: isARN, compare: arnAny},
		"ArnLike":                   {syntax: variables | wildcards, check: isARN, compare: arnAny},
		"ArnNotEquals":              {negated: true, syntax: variables | wildcards, check: isARN, compare: arnAny},
		"ArnNotLike":                {negated: true, syntax: variables | wildcards, check: isARN, compare: arnAny},
		"Null":                      {null: true, check: isBool},
	}
}

func parseNumber(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// parseDate reads the forms of ISO 8601 that IAM documents, and seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02", "2006-01", "20060102T150405Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(n) > 1e11 || n != n {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n * 1000)), true
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	p, err := a.Prefix(a.BitLen())
	return p, err == nil
}

func parseConditions(raw any, vars syntax, known map[string]*operator) ([]condition, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the Condition element must be an object")
	}
	var all []condition
	for name, keys := range object {
		c := condition{}
		base := name
		if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
			c.set, base = forAnyValue, rest
		} else if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
			c.set, base = forAllValues, rest
		}
		base, c.ifExists = strings.CutSuffix(base, "IfExists")
		c.operator = known[base]
		if c.operator == nil || c.operator.null && (c.ifExists || c.set != single) {
			return nil, fmt.Errorf("invalid condition type: %s", name)
		}
		byKey, ok := keys.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("condition %s must be an object", name)
		}
		for key, value := range byKey {
			list, err := scalarList(value, name+" "+key)
			if err != nil {
				return nil, err
			}
			k := c
			k.key = strings.ToLower(key)
			if !strings.Contains(key, ":") {
				return nil, fmt.Errorf("conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: %s", key)
			}
			for _, text := range list {
				s := c.operator.syntax &^ (variables &^ vars)
				if check := c.operator.check; check != nil && !(s&variables != 0 && strings.Contains(text, "${")) && !check(text) {
					return nil, fmt.Errorf("invalid value %q for condition %s", text, name)
				}
				k.values = append(k.values, compile(text, s))
			}
			all = append(all, k)
		}
	}
	return all, nil
}

// holds evaluates a condition. What is missing fails an operator, but for those that negate and those with IfExists; of no
// values at all, all match and none does.
func (c *condition) holds(ctx Context) bool {
	have, ok := lookup(ctx, c.key)
	ok = ok && len(have) > 0
	if c.operator.null {
		for _, v := range c.values {
			if want, _ := v.text(ctx); strings.EqualFold(want, "true") == !ok {
				return true
			}
		}
		return false
	}
	if !ok {
		switch {
		case c.ifExists || c.set == forAllValues:
			return true
		case c.set == forAnyValue:
			return false
		}
		return c.operator.negated
	}
	if c.set == single && c.operator.negated {
		// Without a set operator a key of several values counts as its values together.
		for _, h := range have {
			if !c.value(h, ctx) {
				return false
			}
		}
		return true
	}
	for _, h := range have {
		if c.value(h, ctx) != (c.set == forAllValues) {
			return c.set != forAllValues
		}
	}
	return c.set == forAllValues
}

// value says whether one value of the request satisfies the operator.
func (c *condition) value(have string, ctx Context) bool {
	for _, want := range c.values {
		if c.operator.compare(have, want, ctx) {
			return !c.operator.negated
		}
	}
	return c.operator.negated
}
