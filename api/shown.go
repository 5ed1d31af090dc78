package api

import (
	"sync"

	"github.com/thawrun/thaw/engine/store"
)

// shownConfigurations keeps the encoded answers of GetFunctionConfiguration, which clients poll, for unqualified functions. An
// entry is valid as long as its function has the same $LATEST.
type shownConfigurations struct {
	mu   sync.RWMutex
	byID map[functionID]shownConfiguration
}

type functionID struct{ account, name string }

type shownConfiguration struct {
	of   *store.Version
	text []byte
}

// maxShown bounds what is kept: some 10 MB.
const maxShown = 10_000

// configurationText is the encoded configuration of a function's $LATEST.
func (s *Server) configurationText(f *store.Function) []byte {
	c, id := &s.shown, functionID{f.Account, f.Name}
	c.mu.RLock()
	e := c.byID[id]
	c.mu.RUnlock()
	if e.of == f.Latest {
		return e.text
	}
	text := marshal(s.configuration(f.Latest, ""))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || len(c.byID) >= maxShown {
		c.byID = map[functionID]shownConfiguration{} // begun anew, which is cheaper than to know who was asked for last
	}
	c.byID[id] = shownConfiguration{f.Latest, text}
	return text
}
