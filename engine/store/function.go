package store

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Latest is the qualifier of the version that can be changed.
const Latest = "$LATEST"

// Function is everything that is stored about a function. What the store hands out is never changed: to change it, put a
// Clone with changes.
type Function struct {
	Account string
	Region  string
	Name    string

	Revision    uint64 // of the store, set by it
	Latest      *Version
	Versions    []*Version // published, in ascending order
	LastVersion uint64     // the last number given out: numbers are never used again, not even by a function that is created anew

	Reserved  *int              // reserved concurrency
	Tags      map[string]string //
	Recursion string            // RecursiveLoop: Allow, Terminate or empty

	Qualified map[string]*Qualified // by qualifier; "" = the unqualified ARN
}

// Version is the code and configuration of one version of a function. Published ones are never changed.
type Version struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
	Number  uint64 `json:"number,omitempty"` // 0 = $LATEST

	RevisionID string `json:"revisionId"` // UUID, new at every change

	Runtime      string            `json:"runtime"`
	Role         string            `json:"role"`
	Handler      string            `json:"handler"`
	Description  string            `json:"description,omitempty"`
	Timeout      int               `json:"timeout"`    // s
	MemorySize   int               `json:"memorySize"` // MB
	Environment  map[string]string `json:"environment,omitempty"`
	TmpSize      int               `json:"tmpSize"` // MB
	VPC          *VPC              `json:"vpc,omitempty"`
	DeadLetter   string            `json:"deadLetter,omitempty"` // ARN
	TracingMode  string            `json:"tracingMode,omitempty"`
	KMSKeyARN    string            `json:"kmsKeyArn,omitempty"`
	SnapStart    string            `json:"snapStart,omitempty"` // ApplyOn
	LogGroup     string            `json:"logGroup,omitempty"`  // if it isn't the default
	LogFormat    string            `json:"logFormat,omitempty"`
	LogLevel     string            `json:"logLevel,omitempty"`       // ApplicationLogLevel
	SystemLevel  string            `json:"systemLogLevel,omitempty"` // SystemLogLevel
	Layers       []LayerRef        `json:"layers,omitempty"`
	LastModified time.Time         `json:"lastModified"`

	CodeSHA256 string `json:"codeSha256"`         // base64
	CodeSize   int64  `json:"codeSize"`           // bytes, zipped
	Unpacked   int64  `json:"unpacked,omitempty"` // bytes

	// LatestDescription is the description that $LATEST had when this version was published, which may have been given another.
	LatestDescription string `json:"latestDescription,omitempty"`
}

// VPC is a function's network configuration.
type VPC struct {
	SubnetIDs        []string `json:"subnetIds"`
	SecurityGroupIDs []string `json:"securityGroupIds"`
}

// LayerRef is a layer version that a function uses. The layer version may be deleted meanwhile: its content stays.
type LayerRef struct {
	ARN        string `json:"arn"` // of the layer version
	CodeSHA256 string `json:"codeSha256"`
	CodeSize   int64  `json:"codeSize"` // bytes, zipped
	Unpacked   int64  `json:"unpacked"` // bytes
}

// Qualified is what is stored for one ARN form of a function: the unqualified, a version's or an alias's. nil = not there.
type Qualified struct {
	Alias       *Alias       `json:"alias,omitempty"`
	Policy      *Policy      `json:"policy,omitempty"`
	Async       *AsyncConfig `json:"async,omitempty"`
	URL         *URLConfig   `json:"url,omitempty"`
	Provisioned *Provisioned `json:"provisioned,omitempty"`
	Runtime     *RuntimeMode `json:"runtime,omitempty"`
}

// Alias is a name for a version, or for two with weights.
type Alias struct {
	Version     string             `json:"version"` // $LATEST or a number
	Description string             `json:"description,omitempty"`
	Weights     map[string]float64 `json:"weights,omitempty"` // by version, the share of invocations that don't go to Version
	RevisionID  string             `json:"revisionId"`
}

// Policy is a resource policy.
type Policy struct {
	RevisionID string      `json:"revisionId"`
	Statements []Statement `json:"statements"`
}

// Statement is one statement of a policy, as it is shown.
type Statement struct {
	SID  string          `json:"sid"`
	JSON json.RawMessage `json:"json"`
}

// AsyncConfig is a FunctionEventInvokeConfig.
type AsyncConfig struct {
	MaximumRetryAttempts     *int      `json:"maximumRetryAttempts,omitempty"`
	MaximumEventAgeInSeconds *int      `json:"maximumEventAgeInSeconds,omitempty"`
	OnSuccess                string    `json:"onSuccess,omitempty"` // ARN
	OnFailure                string    `json:"onFailure,omitempty"` // ARN
	LastModified             time.Time `json:"lastModified"`
}

// URLConfig is a FunctionUrlConfig.
type URLConfig struct {
	ID           string          `json:"id"` // the host's first label
	AuthType     string          `json:"authType"`
	InvokeMode   string          `json:"invokeMode,omitempty"`
	CORS         json.RawMessage `json:"cors,omitempty"`
	Created      time.Time       `json:"created"`
	LastModified time.Time       `json:"lastModified"`
}

// Provisioned is a ProvisionedConcurrencyConfig.
type Provisioned struct {
	Requested    int       `json:"requested"`
	LastModified time.Time `json:"lastModified"`
}

// RuntimeMode is a RuntimeManagementConfig.
type RuntimeMode struct {
	UpdateOn   string `json:"updateOn"`
	VersionARN string `json:"versionArn,omitempty"`
}

// Clone returns a copy whose fields, list and maps can be changed. What they point to can't.
func (f *Function) Clone() *Function {
	c := *f
	c.Versions = slices.Clone(f.Versions)
	c.Tags = maps.Clone(f.Tags)
	c.Qualified = maps.Clone(f.Qualified)
	return &c
}

// Version returns a version by number, 0 for $LATEST; nil if there is none.
func (f *Function) Version(number uint64) *Version {
	if number == 0 {
		return f.Latest
	}
	i, ok := slices.BinarySearchFunc(f.Versions, number, func(v *Version, n uint64) int {
		switch {
		case v.Number < n:
			return -1
		case v.Number > n:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return f.Versions[i]
}

// VersionNamed returns a version by its name, "$LATEST" or a number in decimal; nil if there is none.
func (f *Function) VersionNamed(name string) *Version {
	if name == Latest {
		return f.Latest
	}
	n, err := strconv.ParseUint(name, 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != name {
		return nil
	}
	return f.Version(n)
}

// Label is the version's name, "$LATEST" or a number in decimal.
func (v *Version) Label() string {
	if v.Number == 0 {
		return Latest
	}
	return strconv.FormatUint(v.Number, 10)
}

// At returns what is stored for a qualifier, never nil.
func (f *Function) At(qualifier string) *Qualified {
	if q := f.Qualified[qualifier]; q != nil {
		return q
	}
	return &Qualified{}
}

// Alias returns an alias, nil if there is none.
func (f *Function) Alias(name string) *Alias { return f.At(name).Alias }

// Set changes what is stored for a qualifier of a Clone: edit gets a copy. What is empty afterwards is dropped.
func (f *Function) Set(qualifier string, edit func(*Qualified)) {
	q := *f.At(qualifier)
	edit(&q)
	if f.Qualified == nil {
		f.Qualified = map[string]*Qualified{}
	}
	if f.Qualified[qualifier] = &q; q == (Qualified{}) {
		delete(f.Qualified, qualifier)
	}
}

// hashes is the code that a function refers to, once per reference.
func (f *Function) hashes() iter.Seq[string] {
	return func(yield func(string) bool) {
		if f == nil {
			return
		}
		for v := range f.all() {
			if !yield(v.CodeSHA256) {
				return
			}
			for _, l := range v.Layers {
				if !yield(l.CodeSHA256) {
					return
				}
			}
		}
	}
}

func (f *Function) all() iter.Seq[*Version] {
	return func(yield func(*Version) bool) {
		if f.Latest != nil && !yield(f.Latest) {
			return
		}
		for _, v := range f.Versions {
			if !yield(v) {
				return
			}
		}
	}
}

// codeSize is what a function counts for in its account's code storage, in bytes: each version's package.
func (f *Function) codeSize() (n int64) {
	if f != nil {
		for v := range f.all() {
			n += v.CodeSize
		}
	}
	return n
}

// functionRecord is the record of a function: $LATEST, and what holds for all versions.
type functionRecord struct {
	Version
	Revision    uint64            `json:"revision"`
	LastVersion uint64            `json:"lastVersion,omitempty"`
	Reserved    *int              `json:"reserved,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Recursion   string            `json:"recursion,omitempty"`
}

// recordVersion is the first byte of every record.
const recordVersion = 1

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append([]byte{recordVersion}, b...), err
}

func decode[T any](b []byte) (*T, error) {
	if len(b) == 0 || b[0] != recordVersion {
		return nil, fmt.Errorf("%w: unknown version", ErrCorrupt)
	}
	v := new(T)
	if err := json.Unmarshal(b[1:], v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return v, nil
}

func encodeFunction(f *Function) ([]byte, error) {
	return encode(&functionRecord{*f.Latest, f.Revision, f.LastVersion, f.Reserved, f.Tags, f.Recursion})
}

func decodeFunction(b []byte) (*Function, error) {
	r, err := decode[functionRecord](b)
	if err != nil {
		return nil, err
	}
	return &Function{
		Account: r.Account, Region: r.Region, Name: r.Name, Revision: r.Revision, Latest: &r.Version, LastVersion: r.LastVersion,
		Reserved: r.Reserved, Tags: r.Tags, Recursion: r.Recursion,
	}, nil
}
