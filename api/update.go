package api

import (
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine/store"
)

// change updates an existing function: edit gets a copy, which is stored if edit puts it. Its context is not the request's,
// which ends as soon as a shutdown begins: what was accepted by then is carried out.
func (s *Server) change(ref functionRef, edit func(tx *store.Tx, f *store.Function) error) error {
	return s.cfg.Store.Change(s.base, func(tx *store.Tx) error {
		f := tx.Function(ref.account, s.cfg.Region, ref.name)
		if f == nil {
			return s.notFound(ref)
		}
		return edit(tx, f.Clone())
	})
}

func (s *Server) updateFunctionCode(r *request) error {
	var in updateCodeInput
	if err := decodeWithBlob(r.ctx.PostBody(), &in, in.codeInput.blob, "ZipFile"); err != nil {
		return err
	}
	ref, found, err := s.findFunction(r)
	if err != nil {
		return err
	}
	var v violations
	in.codeInput.validate("", &v)
	if err := v.err(); err != nil {
		return err
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return err
	}
	if err := checkRevision(in.RevisionId, found.Latest.RevisionID); err != nil {
		return err
	}
	code, cerr := s.code(r.ctx, &in.codeInput)
	if cerr != nil {
		return cerr
	}
	dry := errors.New("dry run")
	var shown *store.Version
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if err := checkRevision(in.RevisionId, f.Latest.RevisionID); err != nil {
			return err
		}
		next := *f.Latest
		if err := s.checkUnpacked(&next, code.unpacked); err != nil {
			return err
		}
		if err := s.checkStorage(tx, ref.account, f.Latest.CodeSize, code.packed.Size); err != nil {
			return err
		}
		code.apply(tx, &next)
		shown = &next
		if in.DryRun {
			return dry
		}
		touch(&next)
		f.Latest = &next
		if in.Publish {
			var err error
			if shown, err = s.publish(tx, f, nil); err != nil {
				return err
			}
		}
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil && !errors.Is(uerr, dry) {
		return uerr
	}
	if !in.DryRun {
		if err := s.deploy(s.base, ref.account, ref.name, 0, false); err != nil {
			return err
		}
	}
	qualifier := ""
	if shown.Number > 0 {
		qualifier = shown.Label()
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.configuration(shown, qualifier)))
	return nil
}

func checkRevision(want *string, have string) *Error {
	if want != nil && *want != "" && *want != have {
		return fail("PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return nil
}

func (s *Server) updateFunctionConfiguration(r *request) error {
	var in updateConfigInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	ref, _, err := s.findFunction(r)
	if err != nil {
		return err
	}
	var v violations
	s.validate(&in.configInput, &v)
	if err := v.err(); err != nil {
		return err
	}
	if err := in.unsupported(); err != nil {
		return err
	}
	if in.Role != nil {
		if err := s.authorizeRole(r, ref.account, *in.Role); err != nil {
			return err
		}
	}
	var shown *store.Version
	uerr := s.change(ref, func(tx *store.Tx, f *store.Function) error {
		if err := checkRevision(in.RevisionId, f.Latest.RevisionID); err != nil {
			return err
		}
		next := *f.Latest
		if err := s.accept(&in.configInput, &next); err != nil {
			return err
		}
		if in.Layers != nil {
			if err := s.useLayers(&next, in.Layers, ref.account); err != nil {
				return err
			}
			if err := s.checkUnpacked(&next, next.Unpacked); err != nil {
				return err
			}
		}
		touch(&next)
		f.Latest = &next
		shown = &next
		tx.PutFunction(f)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	if err := s.deploy(s.base, ref.account, ref.name, 0, false); err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.configuration(shown, "")))
	return nil
}
