package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/spf13/cobra"
	"github.com/valyala/fasthttp"
)

//go:embed samples
var sampleFiles embed.FS

// sample is a function that thaw up deploys. Its files lie in samples/NAME; event.json there is what it is invoked with.
type sample struct {
	name, runtime, handler string
	env                    map[string]string
}

func samples() []sample {
	return []sample{
		{name: "hello", runtime: "python3.13", handler: "app.handler"},
		{name: "s3-summary", runtime: "python3.13", handler: "app.handler"},
		{name: "sales-report", runtime: "python3.13", handler: "app.handler"},
		{name: "webhook", runtime: "python3.13", handler: "app.handler", env: map[string]string{"WEBHOOK_SECRET": "open-sesame"}},
		{name: "counter", runtime: "python3.13", handler: "app.handler"},
		{name: "hello-node", runtime: "nodejs20.x", handler: "index.handler"},
		{name: "fan-out", runtime: "nodejs20.x", handler: "index.handler"},
		{name: "order-check", runtime: "nodejs20.x", handler: "index.handler"},
	}
}

func newUp() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a server with sample functions and show what they do",
		Long: `Start a server as thaw serve does, deploy sample functions to it through its own API, invoke each cold and warm, print the
results, and keep serving (or exit with --once).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			once, err := cmd.Flags().GetBool("once")
			if err != nil {
				return err
			}
			ctx, cancel := untilSignal(cmd.Context())
			defer cancel()
			n, err := startNode(ctx, cfg, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := n.demonstrate(ctx, cmd.OutOrStdout()); err != nil {
				n.stop(ctx)
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				return err
			}
			if once {
				n.stop(ctx)
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "\nServing the Lambda API on %s. Ctrl-C ends it; the functions stay in %s.\n", n.url(), cfg.Data)
			return n.wait(ctx)
		},
	}
	addFlags(cmd.Flags())
	cmd.Flags().Bool("once", false, "exit after printing instead of serving on")
	return cmd
}

// coldCalls and warmCalls are how often each sample is invoked; medians are shown.
const (
	coldCalls = 5
	warmCalls = 21
)

// demonstrate deploys and invokes the samples over HTTP, as a client would, and prints what came of it.
func (n *node) demonstrate(ctx context.Context, w io.Writer) error {
	account := n.cfg.accounts()[0]
	c := &client{base: n.url(), region: n.cfg.Region, role: "arn:aws:iam::" + account + ":role/" + executionRole}
	if n.cfg.Auth != "none" {
		a, err := readAccess(n.cfg.Data)
		if err != nil {
			return err
		}
		root := a.of(account)
		c.credentials = &aws.Credentials{AccessKeyID: root.AccessKeyID, SecretAccessKey: root.SecretAccessKey}
	}
	if err := n.identity.CreateExecutionRole(ctx, account, executionRole); err != nil {
		return err
	}
	for _, s := range samples() {
		if err := c.deploy(s); err != nil {
			return fmt.Errorf("deploy %s: %w", s.name, err)
		}
	}
	for _, s := range samples() {
		if err := n.engine.Ready(ctx, s.runtime); err != nil {
			return err
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FUNCTION\tRUNTIME\tCOLD\tWARM\tRESULT")
	for _, s := range samples() {
		var result string
		var cold, warm []time.Duration
		for range coldCalls {
			if err := c.deploy(s); err != nil { // retires its instances
				return fmt.Errorf("deploy %s: %w", s.name, err)
			}
			answer, d, err := c.invoke(s.name)
			if err != nil {
				return fmt.Errorf("invoke %s: %w", s.name, err)
			}
			result, cold = answer, append(cold, d)
		}
		for range warmCalls {
			_, d, err := c.invoke(s.name)
			if err != nil {
				return fmt.Errorf("invoke %s: %w", s.name, err)
			}
			warm = append(warm, d)
		}
		fmt.Fprintf(table, "%s\t%s\t%.2f ms\t%.2f ms\t%s\n", s.name, s.runtime, ms(median(cold)), ms(median(warm)), shorten(result, 72))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, `
Times are whole HTTP requests, medians of %d and %d: COLD is the first one to a new instance, WARM one to an instance in use,
each sent right after the one before; a machine that has been idle takes longer at first.
Try the AWS CLI in another terminal:

  eval "$(%s)"
  echo '{"first_name": "Ada", "last_name": "Lovelace"}' | aws lambda invoke --function-name hello --payload fileb:///dev/stdin /dev/stdout
`, coldCalls, warmCalls, n.envCommand())
	return nil
}

// client speaks the few operations of the Lambda API that the demonstration needs.
type client struct {
	base, region, role string
	credentials        *aws.Credentials // nil = requests needn't be signed
	http               fasthttp.Client
}

// sign signs a request with the AWS SDK's signer, which works on requests of net/http.
func (c *client) sign(method, path string, body []byte, to *fasthttp.RequestHeader) error {
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), *c.credentials, r, hex.EncodeToString(hash[:]), "lambda", c.region, time.Now()); err != nil {
		return err
	}
	for name := range r.Header {
		to.Set(name, r.Header.Get(name))
	}
	return nil
}

func (c *client) do(method, path string, body []byte) (status int, answer []byte, failed string, err error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.SetRequestURI(c.base + path)
	req.Header.SetContentType("application/json")
	req.SetBody(body)
	if c.credentials != nil {
		if err := c.sign(method, path, body, &req.Header); err != nil {
			return 0, nil, "", fmt.Errorf("sign: %w", err)
		}
	}
	if err := c.http.Do(req, resp); err != nil {
		return 0, nil, "", err
	}
	return resp.StatusCode(), bytes.Clone(resp.Body()), string(resp.Header.Peek("X-Amz-Function-Error")), nil
}

// deploy creates a sample, or updates it where an earlier run has left one.
func (c *client) deploy(s sample) error {
	code, err := packageOf(s.name)
	if err != nil {
		return err
	}
	type environment struct{ Variables map[string]string }
	create := map[string]any{
		"FunctionName": s.name, "Runtime": s.runtime, "Handler": s.handler, "Role": c.role,
		"Code": map[string]any{"ZipFile": code}, "Environment": environment{s.env}, "Description": "sample of thaw up",
	}
	status, answer, _, err := c.call("POST", "/2015-03-31/functions", create)
	if err != nil || status == fasthttp.StatusCreated {
		return err
	}
	if status != fasthttp.StatusConflict {
		return fmt.Errorf("status %d: %s", status, answer)
	}
	for path, body := range map[string]any{
		"/code": map[string]any{"ZipFile": code}, "/configuration": map[string]any{"Runtime": s.runtime, "Handler": s.handler, "Role": c.role, "Environment": environment{s.env}},
	} {
		if status, answer, _, err := c.call("PUT", "/2015-03-31/functions/"+s.name+path, body); err != nil || status != fasthttp.StatusOK {
			return fmt.Errorf("status %d: %s (%w)", status, answer, err)
		}
	}
	return nil
}

func (c *client) call(method, path string, body any) (int, []byte, string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, "", err
	}
	return c.do(method, path, b)
}

func (c *client) invoke(name string) (result string, took time.Duration, err error) {
	event, err := sampleFiles.ReadFile(path.Join("samples", name, "event.json"))
	if err != nil {
		return "", 0, err
	}
	begin := time.Now()
	status, answer, failed, err := c.do("POST", "/2015-03-31/functions/"+name+"/invocations", event)
	took = time.Since(begin)
	if err == nil && (status != fasthttp.StatusOK || failed != "") {
		err = fmt.Errorf("status %d %s: %s", status, failed, answer)
	}
	return string(answer), took, err
}

// packageOf zips a sample's files.
func packageOf(name string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	root := path.Join("samples", name)
	err := fs.WalkDir(sampleFiles, root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(file) == "event.json" {
			return err
		}
		text, err := sampleFiles.ReadFile(file)
		if err != nil {
			return err
		}
		w, err := z.Create(strings.TrimPrefix(file, root+"/"))
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
