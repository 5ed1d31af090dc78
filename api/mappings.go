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
