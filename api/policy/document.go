package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is what a policy is attached to, which decides about the elements that it must and can't have.
type Kind uint8

const (
	Identity Kind = iota // of a user, group, role or session: no Principal
	Resource             // of a function: Principal and Resource
	Trust                // of a role, who may assume it: Principal and no Resource
)

// Document is a policy, parsed.
type Document struct {
	statements []statement
}

type statement struct {
	sid        string
	deny       bool
	not        struct{ principal, action, resource bool }
	principal  *principals // nil = everybody
	actions    []*pattern  // lower case
	resources  []*pattern  // nil = every one
	conditions []condition
}

// depth is how deeply a document's JSON may be nested: a policy needs five levels.
const depth = 10

// Parse reads and checks a policy. Errors say what is wrong in the words of IAM where it has such.
func Parse(text []byte, kind Kind) (*Document, error) {
	raw, err := decode(text)
	if err != nil {
		return nil, err
	}
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, errors.New("the policy must be a JSON object")
	}
	vars := syntax(0)
	d := &Document{}
	for name, value := range object {
		switch name {
		case "Version":
			switch value {
			case "2012-10-17":
				vars = variables
			case "2008-10-17":
			default:
				return nil, errors.New("the policy must contain a valid version string")
			}
		case "Id":
			if _, ok := value.(string); !ok {
				return nil, errors.New("the Id element must be a string")
			}
		case "Statement":
		default:
			return nil, fmt.Errorf("syntax errors in policy: unknown element %q", name)
		}
	}
	list, ok := object["Statement"].([]any)
	if !ok {
		if object["Statement"] == nil {
			return nil, errors.New("missing required field Statement")
		}
		list = []any{object["Statement"]}
	}
	if len(list) == 0 {
		return nil, errors.New("missing required field Statement cannot be empty")
	}
	known := operators()
	sids := map[string]bool{}
	for _, raw := range list {
		s, err := parseStatement(raw, kind, vars, known)
		if err != nil {
			return nil, err
		}
		if s.sid != "" && sids[s.sid] {
			return nil, fmt.Errorf("statement IDs (SID) in a single policy must be unique: %s", s.sid)
		}
		sids[s.sid] = true
		d.statements = append(d.statements, *s)
	}
	return d, nil
}

func parseStatement(raw any, kind Kind, vars syntax, known map[string]*operator) (*statement, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, errors.New("a statement must be an object")
	}
	s := &statement{}
	var effect, principal, action, resource bool
	for name, value := range object {
		var err error
		switch name {
		case "Sid":
			if s.sid, ok = value.(string); !ok {
				err = errors.New("the Sid element must be a string")
			} else if kind == Identity && !alphanumeric(s.sid) {
				err = fmt.Errorf("statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
			}
		case "Effect":
			effect = true
			if s.deny = value == "Deny"; !s.deny && value != "Allow" {
				err = fmt.Errorf("invalid effect: %v", value)
			}
		case "Principal", "NotPrincipal":
			if principal {
				err = errors.New("a statement can't have both Principal and NotPrincipal")
				break
			}
			principal, s.not.principal = true, name == "NotPrincipal"
			s.principal, err = parsePrincipals(value)
		case "Action", "NotAction":
			if action {
				err = errors.New("a statement can't have both Action and NotAction")
				break
			}
			action, s.not.action = true, name == "NotAction"
			s.actions, err = parseActions(value)
		case "Resource", "NotResource":
			if resource {
				err = errors.New("a statement can't have both Resource and NotResource")
				break
			}
			resource, s.not.resource = true, name == "NotResource"
			s.resources, err = parseResources(value, vars)
		case "Condition":
			s.conditions, err = parseConditions(value, vars, known)
		default:
			err = fmt.Errorf("syntax errors in policy: unknown element %q", name)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case !effect:
		return nil, errors.New("missing required field Effect")
	case !action:
		return nil, errors.New("missing required field Action")
	case kind == Identity && principal:
		return nil, errors.New("policy document should not specify a principal")
	case kind != Identity && !principal:
		return nil, errors.New("missing required field Principal")
	case kind == Trust && resource:
		return nil, errors.New("has prohibited field Resource")
	case kind != Trust && !resource:
		return nil, errors.New("policy statement must contain resources")
	}
	return s, nil
}

func parseActions(value any) ([]*pattern, error) {
	list, err := stringList(value, "Action")
	if err != nil {
		return nil, err
	}
	var all []*pattern
	for _, a := range list {
		vendor, name, ok := strings.Cut(a, ":")
		if a != "*" && (!ok || name == "" || vendor == "" || !wordOr(vendor, "-") || !wordOr(name, "*?")) {
			if !ok {
				return nil, fmt.Errorf("actions/conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: %s", a)
			}
			return nil, fmt.Errorf("action %q is not valid", a)
		}
		all = append(all, compile(strings.ToLower(a), wildcards))
	}
	return all, nil
}

func parseResources(value any, vars syntax) ([]*pattern, error) {
	list, err := stringList(value, "Resource")
	if err != nil {
		return nil, err
	}
	var all []*pattern
	for _, r := range list {
		if r != "*" && !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "*") {
			return nil, fmt.Errorf("resource %s must be in ARN format or \"*\".", r)
		}
		all = append(all, compile(r, wildcards|arnPattern|vars))
	}
	return all, nil
}

// wordOr says whether a text consists of letters, digits and the given characters.
func wordOr(s, more string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(more, c) >= 0) {
			return false
		}
	}
	return true
}

func alphanumeric(s string) bool { return wordOr(s, "") }

// stringList reads a string or a list of strings, which can't be empty.
func stringList(value any, what string) ([]string, error) {
	if s, ok := value.(string); ok {
		return []string{s}, nil
	}
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("%s must be a string or a list of strings", what)
	}
	var all []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%s must be a string or a list of strings", what)
		}
		all = append(all, s)
	}
	return all, nil
}

// scalarList reads what a condition compares with: strings, and numbers and booleans as such.
func scalarList(value any, what string) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	all := make([]string, 0, len(list))
	for _, v := range list {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case bool:
			all = append(all, strconv.FormatBool(v))
		case json.Number:
			all = append(all, v.String())
		default:
			return nil, fmt.Errorf("condition %s must have strings, numbers or booleans", what)
		}
	}
	return all, nil
}

// decode reads JSON, refusing what has two meanings: an element that stands twice.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d, depth)
	if err != nil {
		return nil, fmt.Errorf("syntax errors in policy: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("syntax errors in policy: text behind the document")
	}
	return v, nil
}

func decodeValue(d *json.Decoder, levels int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if levels == 0 {
		return nil, errors.New("nested too deeply")
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := decodeValue(d, levels-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	object := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("%v is not the name of an element", t)
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("element %q stands twice", name)
		}
		if object[name], err = decodeValue(d, levels-1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}
