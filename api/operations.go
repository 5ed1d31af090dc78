package api

import "strings"

// operation is an operation of the Lambda API.
type operation struct {
	name   string
	method string
	uri    string // as in the service model; what stands behind ? must be in the query
	run    func(s *Server, r *request) error
}

// bodyLimit is how large an operation's request body may be, in bytes: what is larger is refused before it is read.
func (l *Limits) bodyLimit(op *operation) int {
	const small = 1 << 20 // a configuration has some KB
	switch {
	case op == nil:
		return small
	case op.name == "CreateFunction", op.name == "UpdateFunctionCode":
		return (l.ZippedSize+2)/3*4 + small // a package in base64
	case op.name == "Invoke":
		return l.SyncPayload
	}
	return small
}

// operations is every operation of today's Lambda model. Those without run answer UnsupportedOperationException.
func operations() []operation {
	return []operation{
		{"CreateFunction", "POST", "/2015-03-31/functions", (*Server).createFunction},
		{"ListFunctions", "GET", "/2015-03-31/functions", (*Server).listFunctions},
		{"GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", (*Server).getFunction},
		{"DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", (*Server).deleteFunction},
		{"GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", (*Server).getFunctionConfiguration},
		{"UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration", (*Server).updateFunctionConfiguration},
		{"UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", (*Server).updateFunctionCode},
		{"Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", (*Server).invoke},
		{"ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", (*Server).listVersions},
		{"GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", (*Server).getConcurrency},
		{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", (*Server).putConcurrency},
		{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", (*Server).deleteConcurrency},
		{"GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", (*Server).getCodeSigningConfig},
		{"GetAccountSettings", "GET", "/2016-08-19/account-settings", (*Server).getAccountSettings},
		{"ListTags", "GET", "/2017-03-31/tags/{Resource}", (*Server).listTags},
		{"TagResource", "POST", "/2017-03-31/tags/{Resource}", (*Server).tagResource},
		{"UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", (*Server).untagResource},

		{"AddLayerVersionPermission", "POST", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", nil},
		{"AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", nil},
		{"CheckpointDurableExecution", "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", nil},
		{"CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", nil},
		{"CreateCapacityProvider", "POST", "/2025-11-30/capacity-providers", nil},
		{"CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs", nil},
		{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", nil},
		{"CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{FunctionName}/url", nil},
		{"DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", nil},
		{"DeleteCapacityProvider", "DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", nil},
		{"DeleteCodeSigningConfig", "DELETE", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", nil},
		{"DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", nil},
		{"DeleteFunctionCodeSigningConfig", "DELETE", "/2020-06-30/functions/{FunctionName}/code-signing-config", nil},
		{"DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", nil},
		{"DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{FunctionName}/url", nil},
		{"DeleteLayerVersion", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", nil},
		{"DeleteProvisionedConcurrencyConfig", "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", nil},
		{"GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", nil},
		{"GetCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", nil},
		{"GetCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", nil},
		{"GetDurableExecution", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}", nil},
		{"GetDurableExecutionHistory", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/history", nil},
		{"GetDurableExecutionState", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/state", nil},
		{"GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", nil},
		{"GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", nil},
		{"GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/{FunctionName}/recursion-config", nil},
		{"GetFunctionScalingConfig", "GET", "/2025-11-30/functions/{FunctionName}/function-scaling-config", nil},
		{"GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", nil},
		{"GetLayerVersion", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", nil},
		{"GetLayerVersionByArn", "GET", "/2018-10-31/layers?find=LayerVersion", nil},
		{"GetLayerVersionPolicy", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", nil},
		{"GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", nil},
		{"GetProvisionedConcurrencyConfig", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", nil},
		{"GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", nil},
		{"InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", nil},
		{"InvokeWithResponseStream", "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", nil},
		{"ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", nil},
		{"ListCapacityProviders", "GET", "/2025-11-30/capacity-providers", nil},
		{"ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs", nil},
		{"ListDurableExecutionsByFunction", "GET", "/2025-12-01/functions/{FunctionName}/durable-executions", nil},
		{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", nil},
		{"ListFunctionEventInvokeConfigs", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", nil},
		{"ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{FunctionName}/urls", nil},
		{"ListFunctionVersionsByCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", nil},
		{"ListFunctionsByCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", nil},
		{"ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", nil},
		{"ListLayers", "GET", "/2018-10-31/layers", nil},
		{"ListProvisionedConcurrencyConfigs", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", nil},
		{"PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", nil},
		{"PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", nil},
		{"PutFunctionCodeSigningConfig", "PUT", "/2020-06-30/functions/{FunctionName}/code-signing-config", nil},
		{"PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", nil},
		{"PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", nil},
		{"PutFunctionScalingConfig", "PUT", "/2025-11-30/functions/{FunctionName}/function-scaling-config", nil},
		{"PutProvisionedConcurrencyConfig", "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", nil},
		{"PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", nil},
		{"RemoveLayerVersionPermission", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", nil},
		{"RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", nil},
		{"SendDurableExecutionCallbackFailure", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", nil},
		{"SendDurableExecutionCallbackHeartbeat", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", nil},
		{"SendDurableExecutionCallbackSuccess", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", nil},
		{"StopDurableExecution", "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", nil},
		{"UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", nil},
		{"UpdateCapacityProvider", "PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", nil},
		{"UpdateCodeSigningConfig", "PUT", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", nil},
		{"UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", nil},
		{"UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", nil},
		{"UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url", nil},
	}
}

// router finds the operation of a path: a tree by path segment, in which "" stands for a parameter.
type router struct {
	next    map[string]*router
	methods map[string][]route
}

type route struct {
	query string // "" or what must be in the query
	op    *operation
}

func newRouter(all []operation) *router {
	root := &router{}
	for i := range all {
		node := root
		path, query, _ := strings.Cut(all[i].uri, "?")
		for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
			if part[0] == '{' {
				part = ""
			}
			if node.next == nil {
				node.next = map[string]*router{}
			}
			if node.next[part] == nil {
				node.next[part] = &router{}
			}
			node = node.next[part]
		}
		if node.methods == nil {
			node.methods = map[string][]route{}
		}
		list := node.methods[all[i].method]
		if query != "" {
			list = append([]route{{query, &all[i]}}, list...) // the special before the general
		} else {
			list = append(list, route{"", &all[i]})
		}
		node.methods[all[i].method] = list
	}
	return root
}

// find returns the operation of a request and the first path parameter, as it stands in the path. known says that the path
// exists for another method. A trailing slash makes no difference (guide, ListFunctions has one).
func (r *router) find(method, path, query string) (op *operation, param string, known bool) {
	node := r
	rest := strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	for rest != "" {
		part, tail, _ := strings.Cut(rest, "/")
		if part == "" {
			return nil, "", false
		}
		next := node.next[part]
		if next == nil {
			if next = node.next[""]; next == nil {
				return nil, "", false
			}
			if param == "" {
				param = part
			}
		}
		node, rest = next, tail
	}
	for _, candidate := range node.methods[method] {
		if candidate.query == "" || strings.Contains("&"+query+"&", "&"+candidate.query+"&") {
			return candidate.op, param, true
		}
	}
	return nil, param, len(node.methods) > 0
}
