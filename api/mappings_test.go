package api

import (
	"fmt"
	"strings"
	"testing"
)

func TestEventSourceMappings(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})
	const path = "/2015-03-31/event-source-mappings"
	const stream = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
	type shape struct {
		UUID, FunctionArn, EventSourceArn, State, StateTransitionReason, LastProcessingResult, StartingPosition, EventSourceMappingArn string
		LastModified                                                                                                                   float64
		BatchSize, ParallelizationFactor, MaximumRetryAttempts                                                                         int
	}
	create := func(in fields) shape {
		t.Helper()
		a := x.do("POST", path+"/", in)
		if a.status != 202 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return decodeInto[shape](t, a.body)
	}
	m := create(fields{"FunctionName": "f", "EventSourceArn": stream, "StartingPosition": "TRIM_HORIZON"})
	if m.State != "Creating" || m.BatchSize != 100 || m.FunctionArn != functionARN+"f" || m.LastProcessingResult != "No records processed" || m.ParallelizationFactor != 1 || m.MaximumRetryAttempts != -1 || m.LastModified < 1e9 ||
		m.StateTransitionReason != "User action" || m.EventSourceMappingArn != "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:"+m.UUID || !uuidForm.MatchString(m.UUID) {
		t.Errorf("%+v", m)
	}
	get := func(id string) shape { return decodeInto[shape](t, x.do("GET", path+"/"+id, nil).body) }
	if got := get(m.UUID); got.State != "Enabled" || !strings.HasPrefix(got.LastProcessingResult, "PROBLEM: This server does not read event sources") {
		t.Errorf("%+v", got)
	}
	x.wantError(x.do("POST", path, fields{"FunctionName": functionARN + "f", "EventSourceArn": stream, "StartingPosition": "LATEST"}), "ResourceConflictException", m.UUID)
	alias := create(fields{"FunctionName": "f:live", "EventSourceArn": stream, "StartingPosition": "LATEST", "Enabled": false, "BatchSize": 7})
	if got := get(alias.UUID); got.State != "Disabled" || got.FunctionArn != functionARN+"f:live" || got.BatchSize != 7 || got.LastProcessingResult != "No records processed" {
		t.Errorf("%+v", got)
	}
	table := create(fields{"FunctionName": "f", "EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2024-01-01T00:00:00.000", "StartingPosition": "LATEST"})
	q := create(fields{"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q"})
	if q.BatchSize != 10 || q.StartingPosition != "" {
		t.Errorf("%+v", q)
	}
	for _, c := range []struct {
		in          fields
		name, wants string
	}{
		{fields{}, "InvalidParameterValueException", "Value null at 'functionName'"},
		{fields{"FunctionName": "f"}, "InvalidParameterValueException", "Unrecognized event source."},
		{fields{"FunctionName": "f", "EventSourceArn": "arn:aws:s3:::bucket", "StartingPosition": "LATEST"}, "InvalidParameterValueException", "Unrecognized event source."},
		{fields{"FunctionName": "f", "EventSourceArn": stream + "2"}, "InvalidParameterValueException", "Value null at 'startingPosition'"},
		{fields{"FunctionName": "f", "EventSourceArn": stream + "2", "StartingPosition": "HERE", "BatchSize": 0, "MaximumRetryAttempts": -2}, "InvalidParameterValueException", "3 validation errors detected"},
		{fields{"FunctionName": "g", "EventSourceArn": stream + "2", "StartingPosition": "LATEST"}, "ResourceNotFoundException", "function:g"},
		{fields{"FunctionName": "f:7", "EventSourceArn": stream + "2", "StartingPosition": "LATEST"}, "ResourceNotFoundException", "function:f:7"},
		{fields{"FunctionName": "f", "EventSourceArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/s", "StartingPosition": "LATEST"}, "InvalidParameterValueException", "same region"},
		{fields{"FunctionName": "f", "EventSourceArn": stream + "2", "StartingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException", "StartingPositionTimestamp"},
		{fields{"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q2", "BatchSize": 100}, "InvalidParameterValueException", "batch window"},
		{fields{"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q2", "StartingPosition": "LATEST"}, "InvalidParameterValueException", "not valid"},
		{fields{"FunctionName": "f", "EventSourceArn": stream + "2", "StartingPosition": "LATEST", "FilterCriteria": fields{"Filters": []fields{{"Pattern": "x"}}}}, "InvalidParameterValueException", "filter pattern"},
		{fields{"FunctionName": "f", "EventSourceArn": stream + "2", "StartingPosition": "LATEST", "ScalingConfig": fields{"MaximumConcurrency": 5}}, "InvalidParameterValueException", "ScalingConfig"},
	} {
		x.wantError(x.do("POST", path, c.in), c.name, c.wants)
	}

	update := func(id string, in fields) shape {
		t.Helper()
		a := x.do("PUT", path+"/"+id, in)
		if a.status != 202 {
			t.Errorf("%d %s", a.status, a.body)
		}
		return decodeInto[shape](t, a.body)
	}
	if got := update(m.UUID, fields{"Enabled": false}); got.State != "Disabling" || get(m.UUID).State != "Disabled" {
		t.Errorf("%+v", got)
	}
	if got := update(m.UUID, fields{"Enabled": true}); got.State != "Enabling" || get(m.UUID).State != "Enabled" {
		t.Errorf("%+v", got)
	}
	// The source and the position can't be changed; what is not given stays.
	if got := update(m.UUID, fields{"BatchSize": 5, "FunctionName": "f:1", "EventSourceArn": stream + "3", "StartingPosition": "LATEST"}); got.State != "Updating" || got.BatchSize != 5 || got.FunctionArn != functionARN+"f:1" || got.EventSourceArn != stream ||
		got.StartingPosition != "TRIM_HORIZON" || got.ParallelizationFactor != 1 {
		t.Errorf("%+v", got)
	}
	x.wantError(x.do("PUT", path+"/"+m.UUID, fields{"FunctionName": "g"}), "ResourceNotFoundException", "function:g")
	x.wantError(x.do("PUT", path+"/none", fields{}), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("GET", path+"/none", nil), "ResourceNotFoundException", "does not exist")

	ids := func(query string) int {
		t.Helper()
		n := 0
		for marker := ""; ; {
			list := decodeInto[struct {
				EventSourceMappings []shape
				NextMarker          *string
			}](t, x.do("GET", path+"/?MaxItems=1"+query+"&Marker="+marker, nil).body)
			n += len(list.EventSourceMappings)
			if list.NextMarker == nil {
				return n
			}
			marker = *list.NextMarker
		}
	}
	if got := fmt.Sprint(ids(""), ids("&FunctionName=f"), ids("&FunctionName=f%3Alive"), ids("&EventSourceArn="+stream), ids("&FunctionName=f%3A1&EventSourceArn="+stream)); got != "4 2 1 2 1" {
		t.Errorf("listed %s", got)
	}
	// Tags.
	const tags = "/2017-03-31/tags/arn:aws:lambda:us-east-1:123456789012:event-source-mapping:"
	if a := x.do("POST", tags+m.UUID, fields{"Tags": fields{"a": "1", "b": "2"}}); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.do("DELETE", tags+m.UUID+"?tagKeys=a", nil)
	if a := x.do("GET", tags+m.UUID, nil); a.body != `{"Tags":{"b":"2"}}` {
		t.Errorf("%s", a.body)
	}
	x.wantError(x.do("GET", tags+"none", nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("POST", tags+m.UUID, fields{"Tags": fields{"aws:x": "1"}}), "InvalidParameterValueException", "aws:x")
	// Mappings outlive their function.
	x.do("DELETE", functionsPath+"/f", nil)
	if got := get(table.UUID); got.State != "Enabled" {
		t.Errorf("%+v", got)
	}
	a := x.do("DELETE", path+"/"+table.UUID, nil)
	if got := decodeInto[shape](t, a.body); a.status != 202 || got.State != "Deleting" {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("GET", path+"/"+table.UUID, nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("DELETE", path+"/"+table.UUID, nil), "ResourceNotFoundException", "does not exist")
}
