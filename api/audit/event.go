// Package audit writes an audit log in CloudTrail's format: who did what from where, when, and with which outcome, denied
// calls included.
//
//	trail, err := audit.Open(audit.Config{Dir: dir, Region: "us-east-1"})
//	trail.Record(&audit.Event{…})
//	trail.Close()
//
// Records are appended to a spool file, one line each, as soon as nothing else is waiting to be written; when the oldest is
// five minutes old, or there are many, the spool becomes a delivered file, named and compressed as CloudTrail's are:
//
//	DIR/AWSLogs/ACCOUNT/CloudTrail/REGION/2026/11/25/ACCOUNT_CloudTrail_REGION_20261125T1205Z_UNIQUE.json.gz
//
// A process that is killed loses nothing that was in the spool: the next one delivers it. Delivered files are the operator's:
// they are never touched again.
package audit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Event is a call. All of it is copied from the request: a Trail keeps it until it is written.
type Event struct {
	Time      time.Time
	Source    string // for example "lambda.amazonaws.com"
	Name      string // for example "CreateFunction20150331"
	Account   string // recipientAccountId: who owns what the call was about
	Identity  *Identity
	SourceIP  string
	UserAgent string
	RequestID string
	EventID   string // UUID

	ErrorCode, ErrorMessage string // empty if the call succeeded

	// Parameters are those of path and query, by their names in the API, and Body the request's, JSON. Both are left out of the
	// records of denied calls, as in the guide's example.
	Parameters []Parameter
	Body       []byte
	// Response is the response's body, JSON, of calls that changed something; nil otherwise.
	Response []byte
}

// Parameter is one parameter of a request.
type Parameter struct{ Name, Value string }

// Identity is who made a call: userIdentity of a record.
type Identity struct {
	Type           string          `json:"type"` // Root, IAMUser, AssumedRole or AWSService
	PrincipalID    string          `json:"principalId"`
	ARN            string          `json:"arn"`
	AccountID      string          `json:"accountId"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
}

// SessionContext is where temporary credentials come from.
type SessionContext struct {
	Attributes    SessionAttributes `json:"attributes"`
	SessionIssuer *SessionIssuer    `json:"sessionIssuer,omitempty"`
}

// SessionAttributes are those of a session. Values are texts, as CloudTrail has them.
type SessionAttributes struct {
	MFAAuthenticated string `json:"mfaAuthenticated"`
	CreationDate     string `json:"creationDate"`
}

// SessionIssuer is the role that a session belongs to.
type SessionIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

// AccessDenied is the error code of calls that were not allowed.
const AccessDenied = "AccessDenied"

// maxUserAgent is how much of a User-Agent is kept.
const maxUserAgent = 1024

// marshal is an event as it is written (guide, "Understanding AWS Lambda Log File Entries"; rows TRAIL-24…41). Calls that only
// read are many, and most of their records are texts that need no escaping: putting them together takes a fraction of what
// encoding/json takes.
func (e *Event) marshal(region string) ([]byte, error) {
	b := make([]byte, 0, 1024)
	b = append(b, `{"eventVersion":"1.03","userIdentity":`...)
	b, err := e.Identity.append(b)
	if err != nil {
		return nil, err
	}
	b = append(b, `,"eventTime":"`...)
	b = e.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
	b = append(b, '"')
	b = appendField(b, "eventSource", e.Source)
	b = appendField(b, "eventName", e.Name)
	b = appendField(b, "awsRegion", region)
	b = appendField(b, "sourceIPAddress", e.SourceIP)
	b = appendField(b, "userAgent", e.UserAgent[:min(len(e.UserAgent), maxUserAgent)])
	if e.ErrorCode != "" {
		b = appendField(b, "errorCode", e.ErrorCode)
		b = appendField(b, "errorMessage", e.ErrorMessage)
	}
	parameters, response := []byte("null"), []byte("null")
	if e.ErrorCode != AccessDenied {
		if parameters, err = e.parameters(); err == nil && len(e.Response) > 0 {
			response, err = json.Marshal(elements(e.Response))
		}
		if err != nil {
			return nil, err
		}
	}
	b = append(append(b, `,"requestParameters":`...), parameters...)
	b = append(append(b, `,"responseElements":`...), response...)
	b = appendField(b, "requestID", e.RequestID)
	b = appendField(b, "eventID", e.EventID)
	b = append(b, `,"eventType":"AwsApiCall"`...)
	b = appendField(b, "recipientAccountId", e.Account)
	return append(b, '}'), nil
}

// parameters is requestParameters: those of the body, with those of path and query.
func (e *Event) parameters() ([]byte, error) {
	if len(e.Body) > 0 {
		m := elements(e.Body)
		if m == nil {
			m = map[string]any{}
		}
		for _, p := range e.Parameters {
			m[lowerFirst(p.Name)] = p.Value
		}
		return json.Marshal(m)
	}
	if len(e.Parameters) == 0 {
		return []byte("null"), nil
	}
	b := []byte{'{'}
	for i, p := range e.Parameters {
		if slices.ContainsFunc(e.Parameters[:i], func(q Parameter) bool { return q.Name == p.Name }) {
			continue // given twice: the first counts
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, lowerFirst(p.Name)), ':')
		b = appendString(b, p.Value)
	}
	return append(b, '}'), nil
}

// append appends an identity as JSON.
func (i *Identity) append(b []byte) ([]byte, error) {
	if i == nil || i.SessionContext != nil {
		text, err := json.Marshal(i)
		return append(b, text...), err
	}
	b = appendString(append(b, `{"type":`...), i.Type)
	b = appendField(b, "principalId", i.PrincipalID)
	b = appendField(b, "arn", i.ARN)
	b = appendField(b, "accountId", i.AccountID)
	if i.AccessKeyID != "" {
		b = appendField(b, "accessKeyId", i.AccessKeyID)
	}
	if i.UserName != "" {
		b = appendField(b, "userName", i.UserName)
	}
	return append(b, '}'), nil
}

// appendField appends a comma and a member of an object. The name needs no escaping.
func appendField(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendString(b, value)
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // a string can't fail
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// elements turns a body into elements of a record: names begin in lower case; packages are left out, and so are the values of
// environment variables, which are often secrets.
func elements(body []byte) map[string]any {
	if len(body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil {
		return nil
	}
	return lower(m)
}

func lower(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		name = lowerFirst(name)
		switch strings.ToLower(name) {
		case "zipfile":
			continue
		case "environment":
			v = map[string]any{}
		case "tags": // names that users gave stay as they are
		default:
			v = lowerAny(v)
		}
		out[name] = v
	}
	return out
}

func lowerAny(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return lower(v)
	case []any:
		for i := range v {
			v[i] = lowerAny(v[i])
		}
	}
	return v
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// WithoutPackage returns a copy of a request's body with its ZipFile emptied, without reading through the package: a body may
// have tens of megabytes. What it can't make out it leaves for the record's marshalling to drop.
func WithoutPackage(body []byte) []byte {
	const name = `"ZipFile"`
	out := make([]byte, 0, min(len(body), 4<<10))
	for {
		at := bytes.Index(body, []byte(name))
		if at < 0 {
			return append(out, body...)
		}
		at += len(name)
		out = append(out, body[:at]...)
		body = body[at:]
		value := bytes.TrimLeft(body, " \t\r\n")
		if len(value) == 0 || value[0] != ':' {
			continue
		}
		value = bytes.TrimLeft(value[1:], " \t\r\n")
		if len(value) == 0 || value[0] != '"' {
			continue
		}
		end := 1
		for {
			i := bytes.IndexByte(value[end:], '"')
			if i < 0 {
				return out // cut off
			}
			end += i + 1
			slashes := 0
			for j := end - 2; j > 0 && value[j] == '\\'; j-- {
				slashes++
			}
			if slashes%2 == 0 {
				break
			}
		}
		out = append(out, `:""`...)
		body = value[end:]
	}
}
