package api

import (
	"testing"
)

func TestProvisionedConcurrency(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	x.update("f", fields{"Timeout": 9})
	x.publish("f", nil)
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})
	path := func(q string) string {
		return "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=" + q
	}
	in := fields{"ProvisionedConcurrentExecutions": 3}
	x.wantError(x.do("PUT", path("%24LATEST"), in), "InvalidParameterValueException", "unpublished")
	x.wantError(x.do("PUT", "/2019-09-30/functions/f/provisioned-concurrency", in), "InvalidParameterValueException", "at 'qualifier'")
	x.wantError(x.do("PUT", path("1"), fields{"ProvisionedConcurrentExecutions": 0}), "InvalidParameterValueException", "greater than or equal to 1")
	x.wantError(x.do("GET", path("1"), nil), "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found")
	a := x.do("PUT", path("live"), in)
	if got := decodeInto[provisionedShape](t, a.body); a.status != 202 || got.Status != "IN_PROGRESS" || got.RequestedProvisionedConcurrentExecutions != 3 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := decodeInto[provisionedShape](t, x.do("GET", path("live"), nil).body); got.Status != "READY" || got.AllocatedProvisionedConcurrentExecutions != 3 {
		t.Errorf("%+v", got)
	}
	if f := x.engine.deployed[functionARN+"f:1"]; f.Prewarm != 3 {
		t.Errorf("%+v", f)
	}
	x.wantError(x.do("PUT", path("1"), in), "ResourceConflictException", "alias")
	// It moves with the alias.
	x.do("PUT", functionsPath+"/f/aliases/live", fields{"FunctionVersion": "2"})
	if one, two := x.engine.deployed[functionARN+"f:1"], x.engine.deployed[functionARN+"f:2"]; one.Prewarm != 0 || two.Prewarm != 3 {
		t.Errorf("%d and %d", one.Prewarm, two.Prewarm)
	}
	list := decodeInto[struct{ ProvisionedConcurrencyConfigs []provisionedShape }](t, x.do("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL", nil).body)
	if len(list.ProvisionedConcurrencyConfigs) != 1 || list.ProvisionedConcurrencyConfigs[0].FunctionArn != functionARN+"f:live" {
		t.Errorf("%+v", list)
	}
	if a := x.do("DELETE", path("live"), nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if two := x.engine.deployed[functionARN+"f:2"]; two.Prewarm != 0 {
		t.Errorf("%d", two.Prewarm)
	}
}
