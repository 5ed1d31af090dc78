package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/thawrun/thaw/engine/store"
)

// configInput is what CreateFunction and UpdateFunctionConfiguration have in common. nil = not given.
type configInput struct {
	Runtime          *string
	Role             *string
	Handler          *string
	Description      *string
	Timeout          *int
	MemorySize       *int
	Environment      *environmentShape
	EphemeralStorage *sizeShape
	VpcConfig        *vpcInput
	DeadLetterConfig *deadLetterConfig
	TracingConfig    *tracingConfig
	KMSKeyArn        *string
	SnapStart        *struct{ ApplyOn string }
	LoggingConfig    *struct{ LogFormat, LogGroup, ApplicationLogLevel, SystemLogLevel string }

	Layers            []string // nil = not given
	FileSystemConfigs []any
	ImageConfig       *struct{}

	CapacityProviderConfig *struct{}
	DurableConfig          *struct{}
}

type vpcInput struct{ SubnetIds, SecurityGroupIds []string }

type createInput struct {
	configInput
	FunctionName         *string
	Code                 *codeInput
	Publish              bool
	PackageType          *string
	Architectures        []string
	Tags                 map[string]string
	CodeSigningConfigArn *string
	PublishTo            *string
	TenancyConfig        *struct{}
}

type updateCodeInput struct {
	codeInput
	Publish       bool
	DryRun        bool
	RevisionId    *string
	Architectures []string
}

type updateConfigInput struct {
	configInput
	RevisionId *string
}

// validate checks the constraints that the service's model states.
func (s *Server) validate(in *configInput, v *violations) {
	l := &s.cfg.Limits
	if in.Role != nil {
		v.check(roleARN(*in.Role), "role", *in.Role, "Member must satisfy regular expression pattern: "+rolePattern)
	}
	if in.Handler != nil {
		v.check(*in.Handler != "" && !strings.ContainsAny(*in.Handler, " \t\r\n\v\f"), "handler", *in.Handler, `Member must satisfy regular expression pattern: [^\s]+`)
		v.length("handler", *in.Handler, 0, 128)
	}
	if in.Description != nil {
		v.length("description", *in.Description, 0, 256)
	}
	if in.Timeout != nil {
		v.between("timeout", *in.Timeout, 1, l.TimeoutMax)
	}
	if in.MemorySize != nil {
		m := *in.MemorySize
		v.between("memorySize", m, l.MemoryMin, l.MemoryMax)
		if m >= l.MemoryMin && m <= l.MemoryMax {
			v.check((m-l.MemoryMin)%l.MemoryStep == 0, "memorySize", fmt.Sprint(m), fmt.Sprintf("Member must be a multiple of %d", l.MemoryStep))
		}
	}
	if in.EphemeralStorage != nil {
		v.between("ephemeralStorage.size", in.EphemeralStorage.Size, l.TmpMin, l.TmpMax)
	}
	if in.Environment != nil {
		for name := range in.Environment.Variables {
			v.check(environmentName(name), "environment.variables", name, "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]")
		}
	}
	for _, arn := range in.Layers {
		v.check(layerVersionARN(arn), "layers", "["+strings.Join(in.Layers, ", ")+"]", "Member must satisfy constraint: [Member must have length less than or equal to 140, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "+layerVersionPattern+", Member must not be null]")
	}
	if in.VpcConfig != nil {
		v.items("vpcConfig.subnetIds", in.VpcConfig.SubnetIds, 16)
		v.items("vpcConfig.securityGroupIds", in.VpcConfig.SecurityGroupIds, 5)
	}
	if in.TracingConfig != nil {
		v.oneOf("tracingConfig.mode", in.TracingConfig.Mode, "Active", "PassThrough")
	}
	if in.SnapStart != nil {
		v.oneOf("snapStart.applyOn", in.SnapStart.ApplyOn, "PublishedVersions", "None")
	}
	if c := in.LoggingConfig; c != nil {
		if c.LogFormat != "" {
			v.oneOf("loggingConfig.logFormat", c.LogFormat, "Text", "JSON")
		}
		if c.LogGroup != "" {
			v.check(logGroup(c.LogGroup), "loggingConfig.logGroup", c.LogGroup, "Member must satisfy regular expression pattern: "+logGroupPattern)
			v.length("loggingConfig.logGroup", c.LogGroup, 1, 512)
		}
		if c.ApplicationLogLevel != "" {
			v.oneOf("loggingConfig.applicationLogLevel", c.ApplicationLogLevel, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
		}
		if c.SystemLogLevel != "" {
			v.oneOf("loggingConfig.systemLogLevel", c.SystemLogLevel, "DEBUG", "INFO", "WARN")
		}
	}
	if in.KMSKeyArn != nil {
		v.check(anyARN(*in.KMSKeyArn), "kMSKeyArn", *in.KMSKeyArn, "Member must satisfy regular expression pattern: "+arnPattern)
	}
	if in.DeadLetterConfig != nil {
		v.check(anyARN(in.DeadLetterConfig.TargetArn), "deadLetterConfig.targetArn", in.DeadLetterConfig.TargetArn, "Member must satisfy regular expression pattern: "+arnPattern)
	}
}

// accept applies a valid input to a record, or says why this server can't do what it asks for.
func (s *Server) accept(in *configInput, f *store.Version) error {
	if in.Runtime != nil {
		if !s.served(*in.Runtime) {
			return s.unknownRuntime(*in.Runtime)
		}
		if slices.Contains(s.cfg.RetiredRuntimes, *in.Runtime) && f.Runtime != *in.Runtime {
			return invalid("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a newer runtime while creating or updating functions.", *in.Runtime)
		}
		f.Runtime = *in.Runtime
	}
	set := func(dst *string, v *string) {
		if v != nil {
			*dst = *v
		}
	}
	set(&f.Role, in.Role)
	set(&f.Handler, in.Handler)
	set(&f.Description, in.Description)
	set(&f.KMSKeyARN, in.KMSKeyArn)
	if in.Timeout != nil {
		f.Timeout = *in.Timeout
	}
	if in.MemorySize != nil {
		f.MemorySize = *in.MemorySize
	}
	if in.EphemeralStorage != nil {
		f.TmpSize = in.EphemeralStorage.Size
	}
	if in.Environment != nil {
		size := 0
		for name, value := range in.Environment.Variables {
			if reservedEnvironment(name) {
				return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", name)
			}
			size += len(name) + len(value)
		}
		if size > s.cfg.Limits.EnvironmentSize {
			return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the %dKB limit.", s.cfg.Limits.EnvironmentSize>>10)
		}
		f.Environment = in.Environment.Variables
	}
	if c := in.VpcConfig; c != nil {
		switch {
		case len(c.SubnetIds) == 0 && len(c.SecurityGroupIds) == 0:
			f.VPC = nil
		case len(c.SubnetIds) == 0 || len(c.SecurityGroupIds) == 0:
			return invalid("At least one subnet and one security group are required for a VPC configuration.")
		default:
			f.VPC = &store.VPC{SubnetIDs: c.SubnetIds, SecurityGroupIDs: c.SecurityGroupIds}
		}
	}
	if in.DeadLetterConfig != nil {
		f.DeadLetter = in.DeadLetterConfig.TargetArn
	}
	if in.TracingConfig != nil {
		f.TracingMode = in.TracingConfig.Mode
	}
	if in.SnapStart != nil {
		f.SnapStart = in.SnapStart.ApplyOn
	}
	if in.LoggingConfig != nil {
		if in.LoggingConfig.LogFormat != "" {
			f.LogFormat = in.LoggingConfig.LogFormat
		}
		if in.LoggingConfig.LogGroup != "" {
			f.LogGroup = in.LoggingConfig.LogGroup
		}
		if in.LoggingConfig.ApplicationLogLevel != "" {
			f.LogLevel = in.LoggingConfig.ApplicationLogLevel
		}
		if in.LoggingConfig.SystemLogLevel != "" {
			f.SystemLevel = in.LoggingConfig.SystemLogLevel
		}
		if (f.LogLevel != "" || f.SystemLevel != "") && f.LogFormat != "JSON" {
			return invalid("Log Level is not supported when LogFormat is set to \"Text\". Remove log level from your request or change the LogFormat to \"JSON\" and try again.")
		}
	}
	return nil
}

// unknownRuntime distinguishes what Lambda knows and this server can't run from what nobody knows.
func (s *Server) unknownRuntime(name string) *Error {
	var served []string
	for _, r := range s.cfg.Engine.Runtimes() {
		served = append(served, r.Runtime)
	}
	slices.Sort(served)
	if slices.Contains(lambdaRuntimes(), name) {
		return invalid("Runtime %s is not available on this server. Available: [%s]", name, strings.Join(served, ", "))
	}
	return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", name, strings.Join(served, ", "))
}

// lambdaRuntimes lists the names that Lambda has had, the guide's first.
func lambdaRuntimes() []string {
	return strings.Fields(`nodejs nodejs4.3 java8 python2.7
		nodejs4.3-edge nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x nodejs16.x nodejs18.x nodejs20.x nodejs22.x nodejs24.x
		python3.6 python3.7 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14
		java8.al2 java11 java17 java21 java25 ruby2.5 ruby2.7 ruby3.2 ruby3.3 ruby3.4 ruby4.0 go1.x
		dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 dotnetcore3.1 dotnet6 dotnet8 dotnet10 provided provided.al2 provided.al2023`)
}

// unsupported refuses what has a meaning at AWS and can't have one here, instead of ignoring it.
func (in *configInput) unsupported() error {
	switch {
	case len(in.FileSystemConfigs) > 0:
		return invalid("File systems are not supported by this server.")
	case in.ImageConfig != nil:
		return invalid("Container images are not supported: provide the code as a .zip package.")
	case in.CapacityProviderConfig != nil:
		return invalid("Capacity providers are not supported by this server.")
	case in.DurableConfig != nil:
		return invalid("Durable functions are not supported by this server.")
	}
	return nil
}

func (in *createInput) unsupported() error {
	switch {
	case in.PackageType != nil && *in.PackageType == "Image":
		return invalid("Container images are not supported: provide the code as a .zip package.")
	case in.PackageType != nil && *in.PackageType != "Zip":
		var v violations
		v.oneOf("packageType", *in.PackageType, "Zip", "Image")
		return v.err()
	case in.CodeSigningConfigArn != nil:
		return invalid("Code signing is not supported by this server.")
	case in.PublishTo != nil:
		return invalid("PublishTo is not supported by this server.")
	case in.TenancyConfig != nil:
		return invalid("Tenant isolation is not supported by this server: tag the function thaw:isolation=request to reset it after every call.")
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return err
	}
	return in.configInput.unsupported()
}

func checkArchitectures(list []string) error {
	for _, a := range list {
		if a != "x86_64" {
			return invalid("Architecture %s is not supported: code runs as x86_64.", a)
		}
	}
	return nil
}
