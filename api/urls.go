package api

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// Function URL configurations are stored; nothing answers at the addresses yet.

type corsInput struct {
	AllowCredentials *bool    `json:",omitempty"`
	AllowHeaders     []string `json:",omitempty"`
	AllowMethods     []string `json:",omitempty"`
	AllowOrigins     []string `json:",omitempty"`
	ExposeHeaders    []string `json:",omitempty"`
	MaxAge           *int     `json:",omitempty"` // s
}

type urlInput struct {
	AuthType   *string
	InvokeMode *string
	Cors       *corsInput
}

func (in *urlInput) validate(v *violations) {
	if in.AuthType != nil {
		v.oneOf("authType", *in.AuthType, "NONE", "AWS_IAM")
	}
	if in.InvokeMode != nil {
		v.oneOf("invokeMode", *in.InvokeMode, "BUFFERED", "RESPONSE_STREAM")
	}
	if c := in.Cors; c != nil {
		v.items("cors.allowHeaders", c.AllowHeaders, 100)
		v.items("cors.allowMethods", c.AllowMethods, 6)
		v.items("cors.allowOrigins", c.AllowOrigins, 100)
		v.items("cors.exposeHeaders", c.ExposeHeaders, 100)
		if c.MaxAge != nil {
			v.between("cors.maxAge", *c.MaxAge, 0, 86400)
		}
		for _, m := range c.AllowMethods {
			v.check(len(m) <= 6 && m != "", "cors.allowMethods", m, "Member must have length less than or equal to 6")
		}
	}
}

type urlShape struct {
	FunctionUrl      string
	FunctionArn      string
	AuthType         string
	Cors             json.RawMessage `json:",omitempty"`
	CreationTime     string
	LastModifiedTime string
	InvokeMode       string
}

func (s *Server) urlShape(f *store.Function, qualifier string, u *store.URLConfig) *urlShape {
	return &urlShape{
		FunctionUrl: "https://" + u.ID + ".lambda-url." + f.Region + ".on.aws/", FunctionArn: s.qualifiedARN(f, qualifier), AuthType: u.AuthType, Cors: u.CORS,
		CreationTime: u.Created.UTC().Format(urlTime), LastModifiedTime: u.LastModified.UTC().Format(urlTime), InvokeMode: orDefault(u.InvokeMode, "BUFFERED"),
	}
}

const urlTime = "2006-01-02T15:04:05.000000Z"

// urlTarget returns what a function URL is for: a function or an alias.
func (s *Server) urlTarget(r *request) (target, *Error) {
	t, err := s.find(r)
	if err == nil && t.ref.qualifier != "" && t.f.Alias(t.ref.qualifier) == nil {
		err = fail("InvalidParameterValueException", "1 validation error detected: Value '%s' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)", t.ref.qualifier)
	}
	return t, err
}

func (s *Server) createURL(r *request) error {
	var in urlInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	v.required(in.AuthType != nil, "authType")
	in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	t, err := s.urlTarget(r)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	sum := sha256.Sum256([]byte(s.qualifiedARN(t.f, t.ref.qualifier)))
	u := &store.URLConfig{ID: strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20])), AuthType: *in.AuthType, Created: now, LastModified: now}
	in.apply(u)
	if uerr := s.changeQualified(t.ref, func(q *store.Qualified) error {
		if q.URL != nil {
			return fail("ResourceConflictException", "Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", s.qualifiedARN(t.f, t.ref.qualifier))
		}
		q.URL = u
		return nil
	}); uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(s.urlShape(t.f, t.ref.qualifier, u)))
	return nil
}

// apply changes what is given.
func (in *urlInput) apply(u *store.URLConfig) {
	if in.AuthType != nil {
		u.AuthType = *in.AuthType
	}
	if in.InvokeMode != nil {
		u.InvokeMode = *in.InvokeMode
	}
	if in.Cors != nil {
		if u.CORS = marshal(in.Cors); string(u.CORS) == "{}" {
			u.CORS = nil
		}
	}
}

func noURL() *Error {
	return fail("ResourceNotFoundException", "The resource you requested does not exist.")
}

func (s *Server) getURL(r *request) error {
	t, err := s.urlTarget(r)
	if err != nil {
		return err
	}
	u := t.f.At(t.ref.qualifier).URL
	if u == nil {
		return noURL()
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.urlShape(t.f, t.ref.qualifier, u)))
	return nil
}

func (s *Server) updateURL(r *request) error {
	var in urlInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	t, err := s.urlTarget(r)
	if err != nil {
		return err
	}
	var u store.URLConfig
	if uerr := s.changeQualified(t.ref, func(q *store.Qualified) error {
		if q.URL == nil {
			return noURL()
		}
		u = *q.URL
		in.apply(&u)
		u.LastModified = time.Now().UTC()
		q.URL = &u
		return nil
	}); uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.urlShape(t.f, t.ref.qualifier, &u)))
	return nil
}

func (s *Server) deleteURL(r *request) error {
	t, err := s.urlTarget(r)
	if err != nil {
		return err
	}
	if uerr := s.changeQualified(t.ref, func(q *store.Qualified) error {
		if q.URL == nil {
			return noURL()
		}
		q.URL = nil
		return nil
	}); uerr != nil {
		return uerr
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) listURLs(r *request) error {
	shown, next, err := listQualified(s, r, func(f *store.Function, q string, set *store.Qualified) *urlShape {
		if set.URL == nil {
			return nil
		}
		return s.urlShape(f, q, set.URL)
	})
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		FunctionUrlConfigs []*urlShape
		NextMarker         *string
	}{shown, next}))
	return nil
}
