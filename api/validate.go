package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// violations collects what is wrong with a request, so that a client learns all of it at once, in the service's wording.
type violations struct{ list []string }

func (v *violations) add(value, path, constraint string) {
	v.list = append(v.list, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, path, constraint))
}

func (v *violations) check(ok bool, path, value, constraint string) {
	if !ok {
		v.add("'"+value+"'", path, constraint)
	}
}

func (v *violations) required(present bool, path string) bool {
	if !present {
		v.add("null", path, "Member must not be null")
	}
	return present
}

// length checks the number of characters.
func (v *violations) length(path, value string, least, most int) {
	n := utf8.RuneCountInString(value)
	if n < least {
		v.add("'"+value+"'", path, fmt.Sprintf("Member must have length greater than or equal to %d", least))
	}
	if n > most {
		v.add("'"+value+"'", path, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

func (v *violations) between(path string, value, least, most int) {
	if value < least {
		v.add(fmt.Sprintf("'%d'", value), path, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
	if value > most {
		v.add(fmt.Sprintf("'%d'", value), path, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

// items checks the length of a list.
func (v *violations) items(path string, list []string, most int) {
	if len(list) > most {
		v.add("'["+strings.Join(list, ", ")+"]'", path, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

func (v *violations) oneOf(path, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	v.add("'"+value+"'", path, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// err is one error for all violations, nil if there are none.
func (v *violations) err() *Error {
	slices.Sort(v.list) // maps have no order; a message should
	switch n := len(v.list); n {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", v.list[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(v.list, "; "))
	}
}

// decode parses a request body. Fields that it doesn't know are ignored, as the service does.
func decode(body []byte, into any) *Error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return fail("SerializationException", "%s", typeProblem(wrong))
	case err != nil:
		return fail("InvalidRequestContentException", "Could not parse request body into json: %s", jsonProblem(err))
	}
	return nil
}

// typeProblem says in the service's words that a value is of the wrong kind.
func typeProblem(e *json.UnmarshalTypeError) string {
	value, _, _ := strings.Cut(e.Value, " ") // numbers may be followed by themselves
	switch value {
	case "object":
		return "Start of structure or map found where not expected."
	case "array":
		return "Start of list found where not expected."
	}
	want := "structure or map"
	switch e.Type.Kind() {
	case reflect.String:
		want = "String"
	case reflect.Int, reflect.Int64:
		want = "Integer"
	case reflect.Float64:
		want = "Double"
	case reflect.Bool:
		want = "Boolean"
	case reflect.Slice:
		want = "Blob"
		if e.Type.Elem().Kind() != reflect.Uint8 {
			want = "List"
		}
	}
	article := "a"
	if want == "Integer" {
		article = "an"
	}
	return fmt.Sprintf("%s_VALUE can not be converted to %s %s", strings.ToUpper(value), article, want)
}

// jsonProblem says what is wrong with a body without naming types of this program.
func jsonProblem(err error) string {
	switch e := err.(type) {
	case *json.SyntaxError:
		return fmt.Sprintf("%s (at byte %d)", e.Error(), e.Offset)
	}
	if strings.Contains(err.Error(), "illegal base64") {
		return "a binary field is not base64"
	}
	return "malformed"
}

// roleARN matches arn:aws:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+.
func roleARN(s string) bool {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !partition(parts[1]) || parts[2] != "iam" || parts[3] != "" || !account(parts[4]) {
		return false
	}
	name, ok := strings.CutPrefix(parts[5], "role")
	if !ok || name == "" { // the slash may be missing, and is one of the characters of names
		return false
	}
	for _, c := range []byte(name) {
		if !word(string(c)) && !strings.ContainsRune("+=,.@/", rune(c)) {
			return false
		}
	}
	return true
}

// anyARN matches (arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|().
func anyARN(s string) bool {
	parts := strings.SplitN(s, ":", 4)
	if s == "" {
		return true
	}
	if len(parts) != 4 || parts[0] != "arn" || !partition(parts[1]) || parts[2] == "" || strings.Contains(parts[3], "\n") {
		return false
	}
	return strings.Trim(parts[2], "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

const (
	arnPattern      = `(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()`
	logGroupPattern = `[\.\-_/#A-Za-z0-9]+`
)

// logGroup matches logGroupPattern.
func logGroup(s string) bool {
	return word(strings.NewReplacer(".", "-", "/", "-", "#", "-").Replace(s))
}

const rolePattern = `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`

// environmentName matches [a-zA-Z]([a-zA-Z0-9_])+.
func environmentName(s string) bool {
	return len(s) > 1 && word(s) && !strings.ContainsRune(s, '-') && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

// reservedEnvironment lists the names that a function may not set (AWS, "Defined runtime environment variables").
func reservedEnvironment(name string) bool {
	switch name {
	case "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR":
		return true
	}
	return false
}
