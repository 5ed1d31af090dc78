// Program go is what TestSDKForGo runs against a server: the calls that aws-sdk-go-v2 users make, and those of deploy tools that
// are made with it (Terraform's AWS provider, SAM), with their waiters and the order in which they poll. It is a module of its
// own, so that nobody who embeds Thaw depends on the SDK.
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var checks int

func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Fprintf(os.Stderr, "check %d failed: "+format+"\n", append([]any{checks + 1}, args...)...)
		os.Exit(1)
	}
	checks++
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintf(os.Stderr, "after %d checks: %v\n", checks, err)
		os.Exit(1)
	}
	return v
}

// code is a package whose handler answers with text.
func code(text string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f := must(w.Create("app.py"))
	must(fmt.Fprintf(f, "def handler(event, context): return [%q, context.function_version, event]\n", text))
	must(0, w.Close())
	return b.Bytes()
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := lambda.NewFromConfig(must(config.LoadDefaultConfig(ctx)))
	sdk(ctx, c)
	terraform(ctx, c)
	fmt.Println(checks, "checks passed")
}

const role = "arn:aws:iam::000000000000:role/lambda_basic_execution"

// sdk goes through the operations and through errors as the SDK types them.
func sdk(ctx context.Context, c *lambda.Client) {
	name := aws.String("sdk")
	made := must(c.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: "python3.13", Role: aws.String(role), Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: code("one")}, Timeout: aws.Int32(10), Publish: true,
	}))
	check(aws.ToString(made.Version) == "1" && made.State == types.StateActive && made.LastUpdateStatus == types.LastUpdateStatusSuccessful, "created %+v", made)
	out := must(c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Payload: []byte(`{"a":1}`), LogType: types.LogTypeTail}))
	check(out.StatusCode == 200 && string(out.Payload) == `["one", "$LATEST", {"a": 1}]` && out.LogResult != nil && aws.ToString(out.ExecutedVersion) == "$LATEST", "invoked %s", out.Payload)
	out = must(c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Qualifier: aws.String("1"), Payload: []byte(`{}`)}))
	check(aws.ToString(out.ExecutedVersion) == "1", "version %v", aws.ToString(out.ExecutedVersion))
	out = must(c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{}`)}))
	check(out.StatusCode == 202, "event %d", out.StatusCode)
	out = must(c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeDryRun}))
	check(out.StatusCode == 204, "dry run %d", out.StatusCode)

	_, err := c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("none")})
	var missing *types.ResourceNotFoundException
	check(errors.As(err, &missing) && aws.ToString(missing.Type) == "User", "no function: %v", err)
	_, err = c.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("x"), FunctionVersion: aws.String("9")})
	check(errors.As(err, &missing), "alias of no version: %v", err)
	_, err = c.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Timeout: aws.Int32(100000)})
	var invalid *types.InvalidParameterValueException
	check(errors.As(err, &invalid), "timeout: %v", err)
	_, err = c.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: code("x"), RevisionId: aws.String("old")})
	var precondition *types.PreconditionFailedException
	check(errors.As(err, &precondition), "revision: %v", err)
	must(c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)}))
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name}, func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	var throttled *types.TooManyRequestsException
	check(errors.As(err, &throttled) && throttled.Reason == types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded && aws.ToString(throttled.RetryAfterSeconds) != "", "throttled: %v", err)
	must(c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name}))
}

// terraform is the life of the resources aws_lambda_function, _alias, _permission and _event_source_mapping.
func terraform(ctx context.Context, c *lambda.Client) {
	name := aws.String("terraform")
	// aws_lambda_function, create: then wait for the function, and read it with all that belongs to its state.
	must(c.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: "python3.13", Role: aws.String(role), Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: code("one")}, Publish: true,
		Architectures: []types.Architecture{types.ArchitectureX8664}, EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(512)}, PackageType: types.PackageTypeZip, Timeout: aws.Int32(3),
		MemorySize: aws.Int32(128), Environment: &types.Environment{Variables: map[string]string{"STAGE": "test"}}, Tags: map[string]string{"managed": "yes"},
		LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatText, LogGroup: aws.String("/aws/lambda/terraform")}, TracingConfig: &types.TracingConfig{Mode: types.TracingModePassThrough},
	}))
	check(lambda.NewFunctionActiveV2Waiter(c).Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, time.Minute) == nil, "function active")
	read := func() *lambda.GetFunctionOutput {
		f := must(c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: name}))
		must(c.GetFunctionCodeSigningConfig(ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: name}))
		return f
	}
	f := read()
	check(f.Tags["managed"] == "yes" && f.Code.Location != nil && f.Configuration.Environment.Variables["STAGE"] == "test" && aws.ToString(f.Configuration.LoggingConfig.LogGroup) == "/aws/lambda/terraform", "read %+v", f.Configuration)
	newest := func() string {
		last := ""
		for p := lambda.NewListVersionsByFunctionPaginator(c, &lambda.ListVersionsByFunctionInput{FunctionName: name, MaxItems: aws.Int32(1)}); p.HasMorePages(); {
			for _, v := range must(p.NextPage(ctx)).Versions {
				last = aws.ToString(v.Version)
			}
		}
		return last
	}
	check(newest() == "1", "newest version %s", newest())
	must(c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(5)}))
	f = read()
	check(f.Concurrency != nil && aws.ToInt32(f.Concurrency.ReservedConcurrentExecutions) == 5, "concurrency %+v", f.Concurrency)

	// Update: configuration, wait, code, wait, publish; as the provider does with publish = true.
	must(c.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, MemorySize: aws.Int32(256), Layers: []string{}}))
	check(lambda.NewFunctionUpdatedV2Waiter(c).Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, time.Minute) == nil, "configuration updated")
	u := must(c.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: code("two"), Architectures: []types.Architecture{types.ArchitectureX8664}}))
	check(lambda.NewFunctionUpdatedWaiter(c).Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name}, time.Minute) == nil, "code updated")
	v := must(c.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name, CodeSha256: u.CodeSha256}))
	check(aws.ToString(v.Version) == "2" && lambda.NewPublishedVersionActiveWaiter(c).Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name, Qualifier: v.Version}, time.Minute) == nil, "published %+v", v)
	check(newest() == "2", "newest version %s", newest())

	// aws_lambda_alias with a share for the old version.
	must(c.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("2"), RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"1": 0.1}}}))
	a := must(c.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: name, Name: aws.String("live")}))
	check(a.RoutingConfig.AdditionalVersionWeights["1"] == 0.1 && aws.ToString(a.FunctionVersion) == "2", "alias %+v", a)
	must(c.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("2"), RoutingConfig: &types.AliasRoutingConfiguration{}}))
	a = must(c.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: name, Name: aws.String("live")}))
	check(a.RoutingConfig == nil, "weights removed: %+v", a.RoutingConfig)

	// aws_lambda_permission reads its statement out of the policy: Action is one string there.
	must(c.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: name, Qualifier: aws.String("live"), StatementId: aws.String("events"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
		SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/r"),
	}))
	p := must(c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name, Qualifier: aws.String("live")}))
	var document struct {
		Version   string
		Statement []struct {
			Sid, Effect, Action, Resource string
			Principal                     any
			Condition                     map[string]map[string]string
		}
	}
	must(0, json.Unmarshal([]byte(aws.ToString(p.Policy)), &document))
	s := document.Statement[0]
	check(s.Sid == "events" && s.Action == "lambda:InvokeFunction" && s.Resource == aws.ToString(a.AliasArn) && s.Condition["ArnLike"]["AWS:SourceArn"] == "arn:aws:events:us-east-1:000000000000:rule/r", "statement %+v", s)

	// aws_lambda_event_source_mapping waits for its state.
	m := must(c.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: a.AliasArn, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q"), BatchSize: aws.Int32(10), Enabled: aws.Bool(true)}))
	state := func(want string) bool {
		for range 20 {
			if got := must(c.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: m.UUID})); aws.ToString(got.State) == want {
				return true
			}
			time.Sleep(100 * time.Millisecond)
		}
		return false
	}
	check(state("Enabled"), "mapping enabled")
	must(c.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: aws.Bool(false)}))
	check(state("Disabled"), "mapping disabled")
	must(c.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: m.UUID}))
	_, err := c.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: m.UUID})
	var missing *types.ResourceNotFoundException
	check(errors.As(err, &missing), "mapping deleted: %v", err)

	// aws_lambda_layer_version
	l := must(c.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: aws.String("layer"), Content: &types.LayerVersionContentInput{ZipFile: code("layer")}, CompatibleRuntimes: []types.Runtime{types.RuntimePython313}}))
	got := must(c.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: aws.String("layer"), VersionNumber: aws.Int64(l.Version)}))
	check(aws.ToString(got.LayerVersionArn) == aws.ToString(l.LayerVersionArn) && aws.ToString(got.Content.CodeSha256) == aws.ToString(l.Content.CodeSha256), "layer %+v", got)
	must(c.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("layer"), VersionNumber: aws.Int64(l.Version)}))

	// aws_lambda_provisioned_concurrency_config, _function_event_invoke_config, _function_url
	must(c.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String("live"), ProvisionedConcurrentExecutions: aws.Int32(1)}))
	ready := false
	for range 600 {
		if pc := must(c.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String("live")})); pc.Status == types.ProvisionedConcurrencyStatusEnumReady {
			ready = true
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	check(ready, "provisioned concurrency")
	must(c.DeleteProvisionedConcurrencyConfig(ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String("live")}))
	must(c.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String("live"), MaximumRetryAttempts: aws.Int32(0)}))
	e := must(c.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String("live")}))
	check(aws.ToInt32(e.MaximumRetryAttempts) == 0 && !e.LastModified.IsZero(), "event-invoke config %+v", e)
	url := must(c.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: types.FunctionUrlAuthTypeNone}))
	check(aws.ToString(url.FunctionUrl) != "", "URL %+v", url)
	must(c.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: name}))

	// Destroy, in the reverse order.
	must(c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, Qualifier: aws.String("live"), StatementId: aws.String("events")}))
	must(c.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: name, Name: aws.String("live")}))
	must(c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name}))
	_, err = c.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name})
	check(errors.As(err, &missing), "function deleted: %v", err)
}
