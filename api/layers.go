package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// maxLayers is how many layers a function may have (AWS, "Lambda quotas").
const maxLayers = 5

const (
	layerPattern        = `(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`
	layerVersionPattern = `arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+`
)

// layerRef is a layer as a client names it, with the number of a version where that is part of the name.
type layerRef struct {
	account, region, name string // account and region are empty for a bare name
	number                uint64
}

// splitLayer matches layerPattern, or layerVersionPattern with a version.
func splitLayer(s string, version bool) (r layerRef, ok bool) {
	p := strings.Split(s, ":")
	switch {
	case len(p) == 1 && !version:
		return layerRef{name: s}, word(s)
	case len(p) == 7 && !version, len(p) == 8 && version:
	default:
		return r, false
	}
	if p[0] != "arn" || !word(p[1]) || p[2] != "lambda" || !word(p[3]) || !account(p[4]) || p[5] != "layer" || !word(p[6]) {
		return r, false
	}
	r = layerRef{account: p[4], region: p[3], name: p[6]}
	if version {
		n, err := strconv.ParseUint(p[7], 10, 63)
		if err != nil || !digits(p[7]) {
			return r, false
		}
		r.number = n
	}
	return r, true
}

func layerVersionARN(s string) bool {
	_, ok := splitLayer(s, true)
	return ok && len(s) <= 140
}

func (s *Server) layerARN(account, name string) string {
	return s.arnPrefix + account + ":layer:" + name
}

// layerName reads the layer that a path names.
func (s *Server) layerName(r *request, v *violations) layerRef {
	v.length("layerName", r.param, 1, 140)
	ref, ok := splitLayer(r.param, false)
	v.check(ok, "layerName", r.param, "Member must satisfy regular expression pattern: "+layerPattern)
	ref.account = orDefault(ref.account, r.account)
	ref.region = orDefault(ref.region, s.cfg.Region)
	return ref
}

// layerVersion looks up a version of a layer.
func (s *Server) layerVersion(ref layerRef) (*store.Layer, *store.LayerVersion, *Error) {
	if ref.region == s.cfg.Region && s.hosts(ref.account) {
		if l, ok := s.cfg.Store.Layer(ref.account, ref.region, ref.name); ok {
			if v := l.Version(ref.number); v != nil {
				return l, v, nil
			}
		}
	}
	return nil, nil, fail("ResourceNotFoundException", "The resource you requested does not exist.")
}

// layerOf reads the layer version that a path names.
func (s *Server) layerOf(r *request) (layerRef, *Error) {
	var v violations
	ref := s.layerName(r, &v)
	if err := v.err(); err != nil {
		return ref, err
	}
	n, err := strconv.ParseInt(r.param2, 10, 64)
	if err != nil {
		return ref, fail("SerializationException", "STRING_VALUE can not be converted to a Long")
	}
	if n < 1 {
		return ref, invalid("Layer Version Cannot be less than 1.")
	}
	ref.number = uint64(n)
	return ref, nil
}

// layerVersionShape is a LayerVersionsListItem; the answers that are about one version have more.
type layerVersionShape struct {
	Content                 *layerContent `json:",omitempty"`
	LayerArn                string        `json:",omitempty"`
	LayerVersionArn         string
	Version                 uint64
	Description             string
	CreatedDate             string
	CompatibleRuntimes      []string `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
}

type layerContent struct {
	Location   string
	CodeSha256 string
	CodeSize   int64
}

func (s *Server) layerShape(l *store.Layer, v *store.LayerVersion) *layerVersionShape {
	return &layerVersionShape{
		LayerVersionArn: s.layerARN(l.Account, l.Name) + ":" + strconv.FormatUint(v.Number, 10), Version: v.Number, Description: v.Description,
		CreatedDate: v.Created.UTC().Format(lastModified), CompatibleRuntimes: v.Runtimes, CompatibleArchitectures: v.Architectures, LicenseInfo: v.License,
	}
}

func (s *Server) wholeLayer(ctx *fasthttp.RequestCtx, l *store.Layer, v *store.LayerVersion) *layerVersionShape {
	c := s.layerShape(l, v)
	c.LayerArn = s.layerARN(l.Account, l.Name)
	c.Content = &layerContent{s.codeLocation(ctx, v.CodeSHA256), v.CodeSHA256, v.CodeSize}
	return c
}

func (s *Server) publishLayer(r *request) error {
	var in struct {
		Description             *string
		Content                 *codeInput
		CompatibleRuntimes      []string
		CompatibleArchitectures []string
		LicenseInfo             *string
	}
	if err := decodeWithBlob(r.ctx.PostBody(), &in, func() **[]byte { return in.Content.blob() }, "Content", "ZipFile"); err != nil {
		return err
	}
	var v violations
	ref := s.layerName(r, &v)
	if v.required(in.Content != nil, "content") {
		in.Content.validate("content.", &v)
	}
	if in.Description != nil {
		v.length("description", *in.Description, 0, 256)
	}
	if in.LicenseInfo != nil {
		v.length("licenseInfo", *in.LicenseInfo, 0, 512)
	}
	v.items("compatibleRuntimes", in.CompatibleRuntimes, 15)
	for _, name := range in.CompatibleRuntimes {
		v.oneOf("compatibleRuntimes", name, lambdaRuntimes()...)
	}
	v.items("compatibleArchitectures", in.CompatibleArchitectures, 2)
	for _, name := range in.CompatibleArchitectures {
		v.oneOf("compatibleArchitectures", name, "x86_64", "arm64")
	}
	if err := v.err(); err != nil {
		return err
	}
	if ref.account != r.account || ref.region != s.cfg.Region {
		return fail("AccessDeniedException", "layers can only be published in account %s and region %s", r.account, s.cfg.Region)
	}
	code, err := s.code(r.ctx, in.Content)
	if err != nil {
		return err
	}
	next := &store.LayerVersion{
		Runtimes: in.CompatibleRuntimes, Architectures: in.CompatibleArchitectures, Created: time.Now().UTC(), CodeSHA256: code.packed.SHA256, CodeSize: code.packed.Size,
		Unpacked: code.unpacked,
	}
	if in.Description != nil {
		next.Description = *in.Description
	}
	if in.LicenseInfo != nil {
		next.License = *in.LicenseInfo
	}
	var l *store.Layer
	uerr := s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		if l = tx.Layer(ref.account, s.cfg.Region, ref.name); l == nil {
			l = &store.Layer{Account: ref.account, Region: s.cfg.Region, Name: ref.name}
		}
		if err := s.checkStorage(tx, ref.account, 0, next.CodeSize); err != nil {
			return err
		}
		l = l.Clone()
		l.LastVersion++
		next.Number = l.LastVersion
		l.Versions = append(l.Versions, next)
		tx.AddCode(code.packed)
		tx.PutLayer(l)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusCreated, marshal(s.wholeLayer(r.ctx, l, next)))
	return nil
}

func (s *Server) getLayer(r *request) error {
	ref, err := s.layerOf(r)
	if err != nil {
		return err
	}
	return s.showLayer(r, ref)
}

func (s *Server) getLayerByARN(r *request) error {
	arn := r.query("Arn")
	ref, ok := splitLayer(arn, true)
	var v violations
	v.check(ok, "arn", arn, "Member must satisfy regular expression pattern: "+layerVersionPattern)
	if err := v.err(); err != nil {
		return err
	}
	return s.showLayer(r, ref)
}

func (s *Server) showLayer(r *request, ref layerRef) error {
	l, v, err := s.layerVersion(ref)
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.wholeLayer(r.ctx, l, v)))
	return nil
}

// layerFilter reads CompatibleRuntime and CompatibleArchitecture.
func layerFilter(r *request) (func(*store.LayerVersion) bool, *Error) {
	runtime, architecture := r.query("CompatibleRuntime"), r.query("CompatibleArchitecture")
	var v violations
	if runtime != "" {
		v.oneOf("compatibleRuntime", runtime, lambdaRuntimes()...)
	}
	if architecture != "" {
		v.oneOf("compatibleArchitecture", architecture, "x86_64", "arm64")
	}
	return func(l *store.LayerVersion) bool {
		return (runtime == "" || slices.Contains(l.Runtimes, runtime)) && (architecture == "" || slices.Contains(l.Architectures, architecture))
	}, v.err()
}

func (s *Server) listLayers(r *request) error {
	after, limit, err := pageUpTo(r, 50, 50)
	if err != nil {
		return err
	}
	fits, err := layerFilter(r)
	if err != nil {
		return err
	}
	type item struct {
		LayerName, LayerArn   string
		LatestMatchingVersion *layerVersionShape
	}
	list := []item{}
	for _, l := range s.cfg.Store.Layers(r.account, s.cfg.Region, after, 1<<30) {
		for _, v := range slices.Backward(l.Versions) {
			if fits(v) {
				list = append(list, item{l.Name, s.layerARN(l.Account, l.Name), s.layerShape(l, v)})
				break
			}
		}
		if len(list) > limit {
			break
		}
	}
	list, next := cut(list, limit, func(i item) string { return i.LayerName })
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		Layers     []item
		NextMarker *string
	}{list, next}))
	return nil
}

// listLayerVersions lists the newest first; its marker is the number of the last one listed.
func (s *Server) listLayerVersions(r *request) error {
	after, limit, err := pageUpTo(r, 50, 50)
	if err != nil {
		return err
	}
	var v violations
	ref := s.layerName(r, &v)
	if err := v.err(); err != nil {
		return err
	}
	fits, err := layerFilter(r)
	if err != nil {
		return err
	}
	below := uint64(1 << 63)
	if after != "" {
		n, perr := strconv.ParseUint(after, 10, 63)
		if perr != nil {
			return invalid("Invalid marker")
		}
		below = n
	}
	list := []*layerVersionShape{}
	if l, ok := s.cfg.Store.Layer(ref.account, s.cfg.Region, ref.name); ok && ref.region == s.cfg.Region {
		for _, v := range slices.Backward(l.Versions) {
			if v.Number < below && fits(v) {
				list = append(list, s.layerShape(l, v))
			}
		}
	}
	list, next := cut(list, limit, func(l *layerVersionShape) string { return strconv.FormatUint(l.Version, 10) })
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		LayerVersions []*layerVersionShape
		NextMarker    *string
	}{list, next}))
	return nil
}

// deleteLayer removes a layer version; functions that use it go on using its content. One that isn't there is no error.
func (s *Server) deleteLayer(r *request) error {
	ref, err := s.layerOf(r)
	if err != nil {
		return err
	}
	uerr := s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		if l := tx.Layer(ref.account, s.cfg.Region, ref.name); l != nil && l.Version(ref.number) != nil && ref.region == s.cfg.Region {
			l = l.Clone()
			l.Versions = slices.DeleteFunc(l.Versions, func(v *store.LayerVersion) bool { return v.Number == ref.number })
			tx.PutLayer(l)
		}
		return nil
	})
	if uerr != nil {
		return uerr
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// useLayers makes a version use layers, in this order.
func (s *Server) useLayers(v *store.Version, arns []string, caller string) error {
	if len(arns) > maxLayers {
		return invalid("Cannot reference more than %d layers.", maxLayers)
	}
	v.Layers = nil
	seen := map[string]bool{}
	for _, arn := range arns {
		ref, ok := splitLayer(arn, true)
		if !ok {
			return invalid("Layer version %s is not valid.", arn)
		}
		_, layer, err := s.layerVersion(ref)
		if err != nil {
			return invalid("Layer version %s does not exist.", arn)
		}
		if ref.account != caller && !s.layerShared(ref, layer, caller) {
			return fail("AccessDeniedException", "User: %s is not authorized to perform: lambda:GetLayerVersion on resource: %s because no resource-based policy allows the lambda:GetLayerVersion action", caller, arn)
		}
		base := s.layerARN(ref.account, ref.name)
		if seen[base] {
			return invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and another version of it.", arn)
		}
		seen[base] = true
		v.Layers = append(v.Layers, store.LayerRef{ARN: arn, CodeSHA256: layer.CodeSHA256, CodeSize: layer.CodeSize, Unpacked: layer.Unpacked})
	}
	return nil
}

// checkUnpacked limits what a version's package and layers have together.
func (s *Server) checkUnpacked(v *store.Version, unpacked int64) error {
	total := unpacked
	for _, l := range v.Layers {
		total += l.Unpacked
	}
	if total > s.cfg.Limits.UnzippedSize {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", s.cfg.Limits.UnzippedSize, total)
	}
	return nil
}

// layerCode fetches the archives of layers, in order.
func (s *Server) layerCode(ctx context.Context, layers []store.LayerRef) ([][]byte, error) {
	var zips [][]byte
	for _, l := range layers {
		zip, err := s.cfg.Store.Code(ctx, l.CodeSHA256)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.ARN, err)
		}
		zips = append(zips, zip)
	}
	return zips, nil
}
