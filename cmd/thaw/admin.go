package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// adminSocket is where a running server answers the commands of its operator: a socket in the data folder, which only the
// folder's owner may open. Another process can't have the database open.
func adminSocket(data string) string { return filepath.Join(data, "admin.sock") }

// admin serves the socket.
type admin struct {
	server *http.Server
	path   string
}

// startAdmin listens on the socket. A server without one works all the same.
func (n *node) startAdmin() error {
	path := adminSocket(n.cfg.Data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of a server that was killed: the database is ours
		return fmt.Errorf("admin socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = ln.Close()
		return fmt.Errorf("admin socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /backup", func(w http.ResponseWriter, r *http.Request) {
		if err := n.store.Backup(r.Context(), w); err != nil {
			n.log.Warn("backup", "error", err)
			panic(http.ErrAbortHandler) // so that the client doesn't take what it has for all
		}
	})
	n.admin = &admin{&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, path}
	go func() {
		if err := n.admin.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			n.log.Warn("admin socket", "error", err)
		}
	}()
	return nil
}

// stop ends what is in progress and removes the socket.
func (a *admin) stop() error { return a.server.Close() }

// errNoServer means that no server runs on a data folder.
var errNoServer = errors.New("no server is running")

// askAdmin sends a request to the server that runs on a data folder and copies its answer.
func askAdmin(ctx context.Context, data, path string, to io.Writer) error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", adminSocket(data))
		if err != nil && ctx.Err() == nil {
			err = errNoServer
		}
		return c, err
	}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://thaw"+path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}
