package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/s3"
)

// addCodeFlags declares the flags that say where packages named by bucket and key are, and how asynchronous invocations are
// repeated.
func addCodeFlags(f *pflag.FlagSet) {
	f.String("s3-endpoint", "", "URL of an S3-compatible store for code given as S3Bucket and S3Key; empty = such code is refused")
	f.String("s3-region", "", "region in its signatures; empty = that of --region")
	f.String("s3-access-key", "", "access key for it; empty = requests are not signed. Better given as THAW_S3_ACCESS_KEY")
	f.String("s3-secret-key", "", "secret key for it. Better given as THAW_S3_SECRET_KEY: command lines can be seen by others")
	f.Bool("s3-virtual-host", false, "buckets are host names and not the first part of the path")
	f.String("retired-runtimes", "", "runtimes that functions can keep and no longer get, such as nodejs,nodejs4.3")
	f.Duration("async-retry-delay", time.Minute, "pause before an asynchronous invocation that failed is repeated; the second pause is twice as long")
}

// retired lists the runtimes of --retired-runtimes.
func (c *config) retired() []string {
	return strings.FieldsFunc(c.RetiredRuntimes, func(r rune) bool { return r == ',' || r == ' ' })
}

// codeSource is where packages named by bucket and key come from, nil if nowhere.
func (c *config) codeSource() (api.CodeSource, error) {
	if c.AsyncRetryDelay <= 0 {
		return nil, fmt.Errorf("--async-retry-delay %s: want more than nothing, such as 1m", c.AsyncRetryDelay)
	}
	if c.S3Endpoint == "" {
		return nil, nil
	}
	if (c.S3AccessKey == "") != (c.S3SecretKey == "") {
		return nil, fmt.Errorf("--s3-access-key and --s3-secret-key go together")
	}
	region := c.S3Region
	if region == "" {
		region = c.Region
	}
	source, err := s3.New(s3.Config{Endpoint: c.S3Endpoint, Region: region, AccessKeyID: c.S3AccessKey, SecretAccessKey: c.S3SecretKey, VirtualHost: c.S3VirtualHost})
	if err != nil {
		return nil, fmt.Errorf("--s3-endpoint: %w", err)
	}
	return source, nil
}
