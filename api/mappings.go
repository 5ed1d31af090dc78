package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// mappingBucket holds event source mappings in the store, by account/region/UUID.
const mappingBucket = "event-source-mapping"

// mapping is the record of an event source mapping. Its state is where the last request's transition leads: Enabled or
// Disabled; the answer to the request itself names the transition.
type mapping struct {
	Account  string
	Region   string
	UUID     string
	Function functionName // as the mapping was given it
	Source   string       `json:",omitempty"` // ARN
	Enabled  bool
	Modified time.Time
	Tags     map[string]string `json:",omitempty"`

	StartingPosition          string   `json:",omitempty"`
	StartingPositionTimestamp *float64 `json:",omitempty"` // Unix seconds
	mappingSettings
}

// functionName is a function and the qualifier under which it is to be invoked.
type functionName struct{ Name, Qualifier string }

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

func (m *mapping) key() string { return m.Account + "/" + m.Region + "/" + m.UUID }

func (s *Server) mappingARN(m *mapping) string {
	return "arn:aws:lambda:" + m.Region + ":" + m.Account + ":event-source-mapping:" + m.UUID
}

func (s *Server) mappedFunction(m *mapping) string {
	arn := s.arn(m.Account, m.Function.Name)
	if m.Function.Qualifier != "" {
		arn += ":" + m.Function.Qualifier
	}
	return arn
}

// The results of a mapping that reads nothing (guide, "Event Source Mapping").
const (
	nothingProcessed = "No records processed"
	noPolling        = "PROBLEM: This server does not read event sources yet. The mapping is stored and takes effect when it does."
)

// mappingShape is an EventSourceMappingConfiguration. Its LastModified is a number (guide, CreateEventSourceMapping).
type mappingShape struct {
	UUID                      string
	EventSourceMappingArn     string
	FunctionArn               string
	EventSourceArn            string   `json:",omitempty"`
	StartingPosition          string   `json:",omitempty"`
	StartingPositionTimestamp *float64 `json:",omitempty"`
	LastModified              float64
	LastProcessingResult      string
	State                     string
	StateTransitionReason     string
	mappingSettings
}

// mappingShape shows a mapping in a transition, or where the last one led.
func (s *Server) mappingShape(m *mapping, transition string) *mappingShape {
	c := &mappingShape{
		UUID: m.UUID, EventSourceMappingArn: s.mappingARN(m), FunctionArn: s.mappedFunction(m), EventSourceArn: m.Source,
		StartingPosition: m.StartingPosition, StartingPositionTimestamp: m.StartingPositionTimestamp, LastModified: float64(m.Modified.UnixMilli()) / 1000,
		LastProcessingResult: nothingProcessed, State: transition, StateTransitionReason: "User action", mappingSettings: m.mappingSettings,
	}
	if transition == "" {
		c.State = "Disabled"
		if m.Enabled {
			c.State, c.LastProcessingResult = "Enabled", noPolling
		}
	}
	if !strings.HasPrefix(m.Source, "arn:aws:sqs:") && c.DestinationConfig == nil {
		c.DestinationConfig = &destinations{OnFailure: &destination{}}
		if m.Source == "" {
			c.DestinationConfig = nil
		}
	}
	return c
}

func (s *Server) createMapping(r *request) error {
	var in mappingInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	v.required(in.FunctionName != nil, "functionName")
	ref := in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	if in.Tags != nil {
		if err := checkTags(in.Tags); err != nil {
			return err
		}
	}
	kind, ok := sourceOf(&in)
	if !ok {
		return invalid("Unrecognized event source.")
	}
	if in.EventSourceArn != nil {
		if p := strings.SplitN(*in.EventSourceArn, ":", 6); p[3] != "" && p[3] != s.cfg.Region {
			return invalid("The event source must be in the same region as the function: %s.", s.cfg.Region)
		}
	}
	if ref.account = orDefault(ref.account, r.account); ref.account != r.account {
		return errForeignMapping()
	}
	t, err := s.resolve(ref)
	if err != nil {
		return err
	}
	m := &mapping{
		Account: t.f.Account, Region: t.f.Region, UUID: uuid.NewString(), Function: functionName{t.f.Name, ref.qualifier}, Enabled: in.Enabled == nil || *in.Enabled,
		Modified: time.Now().UTC(), Tags: in.Tags, StartingPositionTimestamp: in.StartingPositionTimestamp, mappingSettings: in.mappingSettings,
	}
	if in.EventSourceArn != nil {
		m.Source = *in.EventSourceArn
	}
	if err := kind.start(&in, m); err != nil {
		return err
	}
	if err := kind.check(&in, &m.mappingSettings); err != nil {
		return err
	}
	uerr := s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		if err := m.claim(tx, kind); err != nil {
			return err
		}
		return tx.Put(mappingBucket, m.key(), m)
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusAccepted, marshal(s.mappingShape(m, "Creating")))
	return nil
}

// pairBucket has the UUID of the mapping of each pair of source and function: there is one at most.
const pairBucket = "event-source-pair"

func (m *mapping) pair() string {
	return m.Account + "/" + m.Region + "/" + m.Function.Name + ":" + m.Function.Qualifier + "/" + m.Source
}

// claim makes a mapping that of its source and function, in the change that stores it.
func (m *mapping) claim(tx *store.Tx, kind source) error {
	if m.Source == "" {
		return nil
	}
	other, err := store.GetTx[string](tx, pairBucket, m.pair())
	if err != nil {
		return err
	}
	if other != nil {
		return fail("ResourceConflictException", "An event source mapping with %s arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", kind.name, m.Source, m.Function.Name, *other)
	}
	return tx.Put(pairBucket, m.pair(), m.UUID)
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

func (s *Server) mappingKey(r *request, id string) string {
	return r.account + "/" + s.cfg.Region + "/" + strings.ToLower(id)
}

// changeMapping changes a mapping that exists. edit gets a copy, which is stored.
func (s *Server) changeMapping(r *request, id string, edit func(*store.Tx, *mapping) error) error {
	return s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		m, err := store.GetTx[mapping](tx, mappingBucket, s.mappingKey(r, id))
		if err != nil {
			return err
		}
		if m == nil {
			return fail("ResourceNotFoundException", "The resource you requested does not exist.")
		}
		if err := edit(tx, m); err != nil {
			return err
		}
		return tx.Put(mappingBucket, m.key(), m)
	})
}

// mapping reads a mapping.
func (s *Server) mapping(r *request, id string) (*mapping, *Error) {
	m, ok, err := store.Get[mapping](s.cfg.Store, mappingBucket, s.mappingKey(r, id))
	if err != nil {
		return nil, s.internal(r, err)
	}
	if !ok {
		return nil, fail("ResourceNotFoundException", "The resource you requested does not exist.")
	}
	return m, nil
}

// internal logs an error of the server's own and returns what the client learns of it.
func (s *Server) internal(r *request, err error) *Error {
	s.log.Error("request failed", "method", string(r.ctx.Method()), "path", string(r.ctx.Path()), "requestId", requestID(r.ctx), "error", err)
	return fail("ServiceException", "An internal error occurred.")
}

// errForeignMapping refuses event source mappings to functions of other accounts, whether they exist or not.
func errForeignMapping() *Error {
	return fail("AccessDeniedException", "Event source mappings can only lead to functions of the same account.")
}

func (s *Server) getMapping(r *request) error {
	m, err := s.mapping(r, r.param)
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.mappingShape(m, "")))
	return nil
}

func (s *Server) updateMapping(r *request) error {
	var in mappingInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	in.EventSourceArn, in.StartingPosition, in.StartingPositionTimestamp, in.Tags = nil, nil, nil, nil // can't be changed
	var v violations
	ref := in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	if _, err := s.mapping(r, r.param); err != nil {
		return err
	}
	if in.FunctionName != nil {
		if ref.account = orDefault(ref.account, r.account); ref.account != r.account {
			return errForeignMapping()
		}
		if _, err := s.resolve(ref); err != nil {
			return err
		}
	}
	var shown *mappingShape
	uerr := s.changeMapping(r, r.param, func(tx *store.Tx, m *mapping) error {
		transition := "Updating"
		if in.Enabled != nil && *in.Enabled != m.Enabled {
			if transition = "Disabling"; *in.Enabled {
				transition = "Enabling"
			}
			m.Enabled = *in.Enabled
		}
		before := m.Function
		if in.FunctionName != nil && before != (functionName{ref.name, ref.qualifier}) {
			tx.Delete(pairBucket, m.pair())
			m.Function = functionName{ref.name, ref.qualifier}
		}
		if err := json.Unmarshal(r.ctx.PostBody(), &m.mappingSettings); err != nil && len(r.ctx.PostBody()) > 0 { // only what is given changes
			return fmt.Errorf("settings of a mapping: %w", err)
		}
		if m.Source != "" {
			in.EventSourceArn = &m.Source
		} else {
			in.SelfManagedEventSource = m.SelfManagedEventSource
		}
		kind, _ := sourceOf(&in)
		if err := kind.check(&in, &m.mappingSettings); err != nil {
			return err
		}
		if m.Function != before {
			if err := m.claim(tx, kind); err != nil {
				return err
			}
		}
		m.Modified = time.Now().UTC()
		shown = s.mappingShape(m, transition)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusAccepted, marshal(shown))
	return nil
}

func (s *Server) deleteMapping(r *request) error {
	found, err := s.mapping(r, r.param)
	if err != nil {
		return err
	}
	var m *mapping
	if err := s.cfg.Store.Change(s.base, func(tx *store.Tx) (err error) {
		if m, err = store.GetTx[mapping](tx, mappingBucket, found.key()); err != nil {
			return err
		}
		if m == nil {
			return fail("ResourceNotFoundException", "The resource you requested does not exist.")
		}
		tx.Delete(mappingBucket, m.key())
		tx.Delete(pairBucket, m.pair())
		return nil
	}); err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusAccepted, marshal(s.mappingShape(m, "Deleting")))
	return nil
}

func (s *Server) listMappings(r *request) error {
	after, limit, err := pageUpTo(r, 100, 10000)
	if err != nil {
		return err
	}
	in := mappingInput{}
	if x := r.query("EventSourceArn"); x != "" {
		in.EventSourceArn = &x
	}
	if x := r.query("FunctionName"); x != "" {
		in.FunctionName = &x
	}
	var v violations
	ref := in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	prefix := r.account + "/" + s.cfg.Region + "/"
	if after != "" {
		after = prefix + after
	}
	all, serr := store.Scan[mapping](s.cfg.Store, mappingBucket, prefix, after, 1<<30)
	if serr != nil {
		return serr
	}
	list := []*mappingShape{}
	for _, m := range all {
		if in.EventSourceArn != nil && m.Source != *in.EventSourceArn {
			continue
		}
		if in.FunctionName != nil && (!s.here(ref) || ref.account != "" && ref.account != m.Account || m.Function != functionName{ref.name, ref.qualifier}) {
			continue
		}
		list = append(list, s.mappingShape(m, ""))
		if len(list) > limit {
			break
		}
	}
	list, next := cut(list, limit, func(m *mappingShape) string { return m.UUID })
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		EventSourceMappings []*mappingShape
		NextMarker          *string
	}{list, next}))
	return nil
}
