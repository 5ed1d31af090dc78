package store

import (
	"iter"
	"slices"
	"time"
)

// Layer is everything that is stored about a layer. Like a Function it is replaced, never changed.
type Layer struct {
	Account     string          `json:"account"`
	Region      string          `json:"region"`
	Name        string          `json:"name"`
	LastVersion uint64          `json:"lastVersion"` // numbers are never used again; a layer without versions keeps this
	Versions    []*LayerVersion `json:"versions"`    // in ascending order
}

// LayerVersion is one version of a layer. Only its policy changes.
type LayerVersion struct {
	Number        uint64    `json:"number"`
	Description   string    `json:"description,omitempty"`
	Runtimes      []string  `json:"runtimes,omitempty"`
	Architectures []string  `json:"architectures,omitempty"`
	License       string    `json:"license,omitempty"`
	Created       time.Time `json:"created"`
	CodeSHA256    string    `json:"codeSha256"`
	CodeSize      int64     `json:"codeSize"` // bytes, zipped
	Unpacked      int64     `json:"unpacked"` // bytes
	Policy        *Policy   `json:"policy,omitempty"`
}

// Clone returns a copy whose list can be changed.
func (l *Layer) Clone() *Layer {
	c := *l
	c.Versions = slices.Clone(l.Versions)
	return &c
}

// Version returns a version by number, nil if there is none.
func (l *Layer) Version(number uint64) *LayerVersion {
	for _, v := range l.Versions {
		if v.Number == number {
			return v
		}
	}
	return nil
}

func (l *Layer) hashes() iter.Seq[string] {
	return func(yield func(string) bool) {
		if l == nil {
			return
		}
		for _, v := range l.Versions {
			if !yield(v.CodeSHA256) {
				return
			}
		}
	}
}

func (l *Layer) codeSize() (n int64) {
	if l != nil {
		for _, v := range l.Versions {
			n += v.CodeSize
		}
	}
	return n
}
