package api

import (
	"encoding/json"
	"strings"
)

// mappingSettings is what UpdateEventSourceMapping can change.
type mappingSettings struct {
	BatchSize                      *int             `json:",omitempty"`
	MaximumBatchingWindowInSeconds *int             `json:",omitempty"` // s
	ParallelizationFactor          *int             `json:",omitempty"`
	FilterCriteria                 *filterCriteria  `json:",omitempty"`
	DestinationConfig              *destinations    `json:",omitempty"`
	MaximumRecordAgeInSeconds      *int             `json:",omitempty"` // s; -1 = for ever
	BisectBatchOnFunctionError     *bool            `json:",omitempty"`
	MaximumRetryAttempts           *int             `json:",omitempty"` // -1 = for ever
	TumblingWindowInSeconds        *int             `json:",omitempty"` // s
	FunctionResponseTypes          []string         `json:",omitempty"`
	ScalingConfig                  *scalingConfig   `json:",omitempty"`
	SourceAccessConfigurations     []sourceAccess   `json:",omitempty"`
	Topics                         []string         `json:",omitempty"`
	Queues                         []string         `json:",omitempty"`
	SelfManagedEventSource         *json.RawMessage `json:",omitempty"`
	AmazonManagedKafka             *json.RawMessage `json:"AmazonManagedKafkaEventSourceConfig,omitempty"`
	SelfManagedKafka               *json.RawMessage `json:"SelfManagedKafkaEventSourceConfig,omitempty"`
	DocumentDB                     *json.RawMessage `json:"DocumentDBEventSourceConfig,omitempty"`
	KMSKeyArn                      string           `json:",omitempty"`
	MetricsConfig                  *json.RawMessage `json:",omitempty"`
	LoggingConfig                  *json.RawMessage `json:",omitempty"`
	ProvisionedPollerConfig        *json.RawMessage `json:",omitempty"`
}

type (
	filterCriteria struct {
		Filters []struct{ Pattern string }
	}
	destination  struct{ Destination string }
	destinations struct {
		OnSuccess *destination `json:",omitempty"`
		OnFailure *destination `json:",omitempty"`
	}
	scalingConfig struct{ MaximumConcurrency *int }
	sourceAccess  struct{ Type, URI string }
)

type mappingInput struct {
	FunctionName              *string
	EventSourceArn            *string
	Enabled                   *bool
	StartingPosition          *string
	StartingPositionTimestamp *float64
	Tags                      map[string]string
	mappingSettings
}

func (in *mappingInput) validate(v *violations) (ref functionRef) {
	if in.FunctionName != nil {
		ref = parseFunctionRef(*in.FunctionName, v)
	}
	if in.EventSourceArn != nil {
		v.check(sourceARN(*in.EventSourceArn), "eventSourceArn", *in.EventSourceArn, "Member must satisfy regular expression pattern: "+sourcePattern)
	}
	if in.StartingPosition != nil {
		v.oneOf("startingPosition", *in.StartingPosition, "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
	}
	between := func(path string, n *int, least, most int) {
		if n != nil {
			v.between(path, *n, least, most)
		}
	}
	between("batchSize", in.BatchSize, 1, 10000)
	between("maximumBatchingWindowInSeconds", in.MaximumBatchingWindowInSeconds, 0, 300)
	between("parallelizationFactor", in.ParallelizationFactor, 1, 10)
	between("maximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds, -1, 604800)
	between("maximumRetryAttempts", in.MaximumRetryAttempts, -1, 10000)
	between("tumblingWindowInSeconds", in.TumblingWindowInSeconds, 0, 900)
	if in.ScalingConfig != nil {
		between("scalingConfig.maximumConcurrency", in.ScalingConfig.MaximumConcurrency, 2, 1000)
	}
	v.items("functionResponseTypes", in.FunctionResponseTypes, 1)
	for _, t := range in.FunctionResponseTypes {
		v.oneOf("functionResponseTypes", t, "ReportBatchItemFailures")
	}
	v.items("topics", in.Topics, 1)
	v.items("queues", in.Queues, 1)
	if in.FilterCriteria != nil {
		for _, f := range in.FilterCriteria.Filters {
			v.length("filterCriteria.filters.pattern", f.Pattern, 0, 4096)
		}
	}
	if in.DestinationConfig != nil {
		in.DestinationConfig.validate(v)
	}
	return ref
}

func (d *destinations) validate(v *violations) {
	for path, x := range map[string]*destination{"destinationConfig.onSuccess.destination": d.OnSuccess, "destinationConfig.onFailure.destination": d.OnFailure} {
		if x != nil {
			v.length(path, x.Destination, 0, 350)
			v.check(x.Destination == "" || sourceARN(x.Destination) || strings.HasPrefix(x.Destination, "kafka://"), path, x.Destination, "Member must satisfy regular expression pattern: $|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|"+sourcePattern)
		}
	}
}

// source is the kind of an event source.
type source struct {
	name       string
	stream     bool // records in order, from a position
	batch      int  // records by default
	timestamps bool // AT_TIMESTAMP is possible
}

// sourceOf reads the kind of an event source off its ARN.
func sourceOf(in *mappingInput) (source, bool) {
	if in.EventSourceArn == nil {
		return source{"self-managed Kafka", true, 100, true}, in.SelfManagedEventSource != nil
	}
	p := strings.SplitN(*in.EventSourceArn, ":", 6)
	switch service, resource := p[2], p[5]; service {
	case "kinesis":
		return source{"kinesis", true, 100, true}, strings.HasPrefix(resource, "stream/") && len(resource) > len("stream/")
	case "dynamodb":
		return source{"dynamodb", true, 100, false}, strings.HasPrefix(resource, "table/") && strings.Contains(resource, "/stream/")
	case "sqs":
		return source{"sqs", false, 10, false}, resource != ""
	case "kafka":
		return source{"kafka", true, 100, true}, strings.HasPrefix(resource, "cluster/")
	case "mq":
		return source{"mq", false, 100, false}, strings.HasPrefix(resource, "broker:")
	case "rds":
		return source{"docdb", true, 100, true}, strings.HasPrefix(resource, "cluster:")
	}
	return source{}, false
}

// check says what a source of this kind can't have. set is what the mapping would have, in its input.
func (k source) check(in *mappingInput, set *mappingSettings) *Error {
	if in.FilterCriteria != nil {
		for _, f := range in.FilterCriteria.Filters {
			if !validJSON([]byte(f.Pattern)) || !strings.HasPrefix(strings.TrimSpace(f.Pattern), "{") {
				return invalid("Invalid filter pattern definition.")
			}
		}
	}
	streaming := k.name == "kinesis" || k.name == "dynamodb"
	if !streaming {
		for name, given := range map[string]bool{
			"ParallelizationFactor": set.ParallelizationFactor != nil, "BisectBatchOnFunctionError": set.BisectBatchOnFunctionError != nil,
			"MaximumRecordAgeInSeconds": set.MaximumRecordAgeInSeconds != nil, "MaximumRetryAttempts": set.MaximumRetryAttempts != nil, "TumblingWindowInSeconds": set.TumblingWindowInSeconds != nil,
		} {
			if given && k.name != "self-managed Kafka" && k.name != "kafka" {
				return invalid("%s is not supported for this event source type.", name)
			}
		}
	}
	if set.ScalingConfig != nil && k.name != "sqs" {
		return invalid("ScalingConfig is only supported for Amazon SQS event sources.")
	}
	if len(set.Queues) > 0 != (k.name == "mq") {
		return invalid("Queues must be specified for Amazon MQ event sources, and for those only.")
	}
	if len(set.Topics) > 0 != strings.Contains(strings.ToLower(k.name), "kafka") {
		return invalid("Topics must be specified for Kafka event sources, and for those only.")
	}
	if k.name == "sqs" && set.BatchSize != nil && *set.BatchSize > 10 {
		if set.MaximumBatchingWindowInSeconds == nil || *set.MaximumBatchingWindowInSeconds < 1 {
			return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
		}
		if in.EventSourceArn != nil && strings.HasSuffix(*in.EventSourceArn, ".fifo") {
			return invalid("Maximum batch size for FIFO queues is 10.")
		}
	}
	return nil
}

// start sets the position from which a new mapping reads, and the defaults of its kind of source.
func (k source) start(in *mappingInput, m *mapping) *Error {
	needed := k.name == "kinesis" || k.name == "dynamodb"
	switch {
	case in.StartingPosition == nil && needed:
		var v violations
		v.required(false, "startingPosition")
		return v.err()
	case in.StartingPosition == nil && k.stream:
		m.StartingPosition = "TRIM_HORIZON"
	case in.StartingPosition == nil:
	case !k.stream:
		return invalid("StartingPosition is not valid for this event source.")
	case *in.StartingPosition == "AT_TIMESTAMP" && !k.timestamps:
		return invalid("Unsupported starting position for arn type: %s", *in.EventSourceArn)
	case *in.StartingPosition == "AT_TIMESTAMP" && in.StartingPositionTimestamp == nil:
		return invalid("StartingPositionTimestamp must be provided with StartingPosition AT_TIMESTAMP.")
	default:
		m.StartingPosition = *in.StartingPosition
	}
	fill := func(n **int, value int) {
		if *n == nil {
			*n = &value
		}
	}
	fill(&m.BatchSize, k.batch)
	if k.name == "kinesis" || k.name == "dynamodb" {
		fill(&m.MaximumBatchingWindowInSeconds, 0)
		fill(&m.ParallelizationFactor, 1)
		fill(&m.MaximumRecordAgeInSeconds, -1)
		fill(&m.MaximumRetryAttempts, -1)
		fill(&m.TumblingWindowInSeconds, 0)
		if m.BisectBatchOnFunctionError == nil {
			m.BisectBatchOnFunctionError = new(bool)
		}
	}
	if k.name == "sqs" {
		fill(&m.MaximumBatchingWindowInSeconds, 0)
	}
	return nil
}
