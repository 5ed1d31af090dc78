package store

import "time"

// Function is the record of a function's $LATEST version.
type Function struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`

	Revision   uint64 `json:"revision"`   // of the store, set by it
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
	Reserved     *int              `json:"reserved,omitempty"` // concurrency
	Tags         map[string]string `json:"tags,omitempty"`
	LastModified time.Time         `json:"lastModified"`

	CodeSHA256 string `json:"codeSha256"` // base64
	CodeSize   int64  `json:"codeSize"`   // bytes, zipped
}

// VPC is a function's network configuration.
type VPC struct {
	SubnetIDs        []string `json:"subnetIds"`
	SecurityGroupIDs []string `json:"securityGroupIds"`
}
