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

// record is an event as it is written (guide, "Understanding AWS Lambda Log File Entries"; rows TRAIL-24…41).
type record struct {
	EventVersion       string         `json:"eventVersion"`
	UserIdentity       *Identity      `json:"userIdentity"`
	EventTime          string         `json:"eventTime"`
	EventSource        string         `json:"eventSource"`
	EventName          string         `json:"eventName"`
	AWSRegion          string         `json:"awsRegion"`
	SourceIPAddress    string         `json:"sourceIPAddress"`
	UserAgent          string         `json:"userAgent"`
	ErrorCode          string         `json:"errorCode,omitempty"`
	ErrorMessage       string         `json:"errorMessage,omitempty"`
	RequestParameters  map[string]any `json:"requestParameters"`
	ResponseElements   map[string]any `json:"responseElements"`
	RequestID          string         `json:"requestID"`
	EventID            string         `json:"eventID"`
	EventType          string         `json:"eventType"`
	RecipientAccountID string         `json:"recipientAccountId"`
}

// maxUserAgent is how much of a User-Agent is kept.
const maxUserAgent = 1024

func (e *Event) marshal(region string) ([]byte, error) {
	r := record{
		EventVersion: "1.03", UserIdentity: e.Identity, EventTime: e.Time.UTC().Format("2006-01-02T15:04:05Z"), EventSource: e.Source, EventName: e.Name,
		AWSRegion: region, SourceIPAddress: e.SourceIP, UserAgent: e.UserAgent[:min(len(e.UserAgent), maxUserAgent)], ErrorCode: e.ErrorCode, ErrorMessage: e.ErrorMessage,
		RequestID: e.RequestID, EventID: e.EventID, EventType: "AwsApiCall", RecipientAccountID: e.Account,
	}
	if e.ErrorCode != AccessDenied {
		r.RequestParameters = elements(e.Body)
		for _, p := range e.Parameters {
			if r.RequestParameters == nil {
				r.RequestParameters = map[string]any{}
			}
			r.RequestParameters[lowerFirst(p.Name)] = p.Value
		}
		r.ResponseElements = elements(e.Response)
	}
	return json.Marshal(&r)
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
