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
	case op.name == "CreateFunction", op.name == "UpdateFunctionCode", op.name == "PublishLayerVersion":
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

		{"AddLayerVersionPermission", "POST", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", (*Server).addLayerPermission},
		{"AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", (*Server).addPermission},
		{"CheckpointDurableExecution", "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", nil},
		{"CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", (*Server).createAlias},
		{"CreateCapacityProvider", "POST", "/2025-11-30/capacity-providers", nil},
		{"CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs", nil},
		{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", (*Server).createMapping},
		{"CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{FunctionName}/url", (*Server).createURL},
		{"DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", (*Server).deleteAlias},
		{"DeleteCapacityProvider", "DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", nil},
		{"DeleteCodeSigningConfig", "DELETE", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", nil},
		{"DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", (*Server).deleteMapping},
		{"DeleteFunctionCodeSigningConfig", "DELETE", "/2020-06-30/functions/{FunctionName}/code-signing-config", nil},
		{"DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", (*Server).deleteAsyncConfig},
		{"DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{FunctionName}/url", (*Server).deleteURL},
		{"DeleteLayerVersion", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", (*Server).deleteLayer},
		{"DeleteProvisionedConcurrencyConfig", "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", (*Server).deleteProvisioned},
		{"GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", (*Server).getAlias},
		{"GetCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", nil},
		{"GetCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", nil},
		{"GetDurableExecution", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}", nil},
		{"GetDurableExecutionHistory", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/history", nil},
		{"GetDurableExecutionState", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/state", nil},
		{"GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", (*Server).getMapping},
		{"GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", (*Server).getAsyncConfig},
		{"GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/{FunctionName}/recursion-config", (*Server).getRecursion},
		{"GetFunctionScalingConfig", "GET", "/2025-11-30/functions/{FunctionName}/function-scaling-config", nil},
		{"GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", (*Server).getURL},
		{"GetLayerVersion", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", (*Server).getLayer},
		{"GetLayerVersionByArn", "GET", "/2018-10-31/layers?find=LayerVersion", (*Server).getLayerByARN},
		{"GetLayerVersionPolicy", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", (*Server).getLayerPolicy},
		{"GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", (*Server).getPolicy},
		{"GetProvisionedConcurrencyConfig", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", (*Server).getProvisioned},
		{"GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", (*Server).getRuntimeMode},
		{"InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", (*Server).invokeAsync},
		{"InvokeWithResponseStream", "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", nil},
		{"ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", (*Server).listAliases},
		{"ListCapacityProviders", "GET", "/2025-11-30/capacity-providers", nil},
		{"ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs", nil},
		{"ListDurableExecutionsByFunction", "GET", "/2025-12-01/functions/{FunctionName}/durable-executions", nil},
		{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", (*Server).listMappings},
		{"ListFunctionEventInvokeConfigs", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", (*Server).listAsyncConfigs},
		{"ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{FunctionName}/urls", (*Server).listURLs},
		{"ListFunctionVersionsByCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", nil},
		{"ListFunctionsByCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", nil},
		{"ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", (*Server).listLayerVersions},
		{"ListLayers", "GET", "/2018-10-31/layers", (*Server).listLayers},
		{"ListProvisionedConcurrencyConfigs", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", (*Server).listProvisioned},
		{"PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", (*Server).publishLayer},
		{"PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", (*Server).publishVersion},
		{"PutFunctionCodeSigningConfig", "PUT", "/2020-06-30/functions/{FunctionName}/code-signing-config", nil},
		{"PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", (*Server).putAsyncConfig},
		{"PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", (*Server).putRecursion},
		{"PutFunctionScalingConfig", "PUT", "/2025-11-30/functions/{FunctionName}/function-scaling-config", nil},
		{"PutProvisionedConcurrencyConfig", "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", (*Server).putProvisioned},
		{"PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", (*Server).putRuntimeMode},
		{"RemoveLayerVersionPermission", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", (*Server).removeLayerPermission},
		{"RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", (*Server).removePermission},
		{"SendDurableExecutionCallbackFailure", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", nil},
		{"SendDurableExecutionCallbackHeartbeat", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", nil},
		{"SendDurableExecutionCallbackSuccess", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", nil},
		{"StopDurableExecution", "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", nil},
		{"UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", (*Server).updateAlias},
		{"UpdateCapacityProvider", "PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", nil},
		{"UpdateCodeSigningConfig", "PUT", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", nil},
		{"UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", (*Server).updateMapping},
		{"UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", (*Server).updateAsyncConfig},
		{"UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url", (*Server).updateURL},
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

// find returns the operation of a request and the path's parameters, as they stand in the path. known says that the path
// exists for another method. A trailing slash makes no difference (guide, ListFunctions has one).
func (r *router) find(method, path, query string) (op *operation, params [3]string, known bool) {
	node, n := r, 0
	rest := strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	for rest != "" {
		part, tail, _ := strings.Cut(rest, "/")
		if part == "" {
			return nil, params, false
		}
		next := node.next[part]
		if next == nil {
			if next = node.next[""]; next == nil {
				return nil, params, false
			}
			if n < len(params) {
				params[n] = part
				n++
			}
		}
		node, rest = next, tail
	}
	for _, candidate := range node.methods[method] {
		if candidate.query == "" || strings.Contains("&"+query+"&", "&"+candidate.query+"&") {
			return candidate.op, params, true
		}
	}
	return nil, params, len(node.methods) > 0
}
