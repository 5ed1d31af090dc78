package api

import (
	"encoding/json"

	"github.com/thawrun/thaw/engine/store"
)

// functionConfiguration is the shape of that name: the guide's fields and those that today's clients wait for or print.
type functionConfiguration struct {
	FunctionName         string
	FunctionArn          string
	Runtime              string
	Role                 string
	Handler              string
	CodeSize             int64
	Description          string
	Timeout              int
	MemorySize           int
	LastModified         string
	CodeSha256           string
	Version              string
	VpcConfig            *vpcResponse        `json:",omitempty"`
	DeadLetterConfig     *deadLetterConfig   `json:",omitempty"`
	Environment          *environmentShape   `json:",omitempty"`
	KMSKeyArn            string              `json:",omitempty"`
	TracingConfig        tracingConfig       //
	RevisionId           string              //
	State                string              //
	LastUpdateStatus     string              //
	PackageType          string              //
	Architectures        []string            //
	EphemeralStorage     sizeShape           //
	Layers               []layerShape        `json:",omitempty"`
	SnapStart            snapStartResponse   //
	RuntimeVersionConfig runtimeVersionShape //
	LoggingConfig        loggingConfig       //
}

type (
	environmentShape struct{ Variables map[string]string }
	deadLetterConfig struct{ TargetArn string }
	tracingConfig    struct{ Mode string }
	sizeShape        struct{ Size int }
	vpcResponse      struct {
		SubnetIds        []string
		SecurityGroupIds []string
		VpcId            string
	}
	snapStartResponse   struct{ ApplyOn, OptimizationStatus string }
	runtimeVersionShape struct{ RuntimeVersionArn string }
	layerShape          struct {
		Arn      string
		CodeSize int64
	}
	loggingConfig struct {
		LogFormat           string
		ApplicationLogLevel string `json:",omitempty"`
		SystemLogLevel      string `json:",omitempty"`
		LogGroup            string
	}
)

// lastModified is the service's time format, ISO 8601 with a zone that has no colon.
const lastModified = "2006-01-02T15:04:05.000-0700"

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// configuration is the answer to everything that returns a function's configuration. The ARN is qualified if the request was.
func (s *Server) configuration(f *store.Version, qualifier string) *functionConfiguration {
	c := &functionConfiguration{
		FunctionName: f.Name, FunctionArn: s.arn(f.Account, f.Name), Runtime: f.Runtime, Role: f.Role, Handler: f.Handler, CodeSize: f.CodeSize,
		Description: f.Description, Timeout: f.Timeout, MemorySize: f.MemorySize, LastModified: f.LastModified.UTC().Format(lastModified),
		CodeSha256: f.CodeSHA256, Version: f.Label(), KMSKeyArn: f.KMSKeyARN, TracingConfig: tracingConfig{orDefault(f.TracingMode, "PassThrough")},
		RevisionId: f.RevisionID, State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip", Architectures: []string{"x86_64"},
		EphemeralStorage: sizeShape{f.TmpSize}, SnapStart: snapStartResponse{orDefault(f.SnapStart, "None"), "Off"},
		RuntimeVersionConfig: runtimeVersionShape{s.runtimeVersion(f.Runtime)},
		LoggingConfig:        loggingConfig{orDefault(f.LogFormat, "Text"), f.LogLevel, f.SystemLevel, orDefault(f.LogGroup, "/aws/lambda/"+f.Name)},
	}
	if f.Number > 0 && f.SnapStart == "PublishedVersions" {
		c.SnapStart.OptimizationStatus = "On"
	}
	for _, l := range f.Layers {
		c.Layers = append(c.Layers, layerShape{l.ARN, l.CodeSize})
	}
	if qualifier != "" {
		c.FunctionArn += ":" + qualifier
	}
	if len(f.Environment) > 0 {
		c.Environment = &environmentShape{f.Environment}
	}
	if f.DeadLetter != "" {
		c.DeadLetterConfig = &deadLetterConfig{f.DeadLetter}
	}
	if f.VPC != nil {
		c.VpcConfig = &vpcResponse{f.VPC.SubnetIDs, f.VPC.SecurityGroupIDs, ""}
	}
	return c
}

// runtimeVersion names what really runs, in the form of the service's runtime version ARNs.
func (s *Server) runtimeVersion(runtime string) string {
	for _, r := range s.cfg.Engine.Runtimes() {
		if r.Runtime == runtime {
			return "arn:aws:lambda:" + s.cfg.Region + "::runtime:" + r.Guest
		}
	}
	return ""
}

// marshal encodes a shape of this package, which can't fail.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
