/// Every operation of AWS's Lambda API, and which of them Cloister has. Routing and the coverage page both come from
/// this table. Names, methods and paths as in AWS's service model.
public enum LambdaCoverage {
    public static let operations: [LambdaOperation] = functions + layers + others

    private static let functions: [LambdaOperation] = [
        .init(
            "AddPermission", .post, "/2015-03-31/functions/{FunctionName}/policy", .implemented,
            notes: "Kept and shown; not yet enforced."),
        .init("CreateAlias", .post, "/2015-03-31/functions/{FunctionName}/aliases", .implemented),
        .init(
            "CreateFunction", .post, "/2015-03-31/functions", .implemented,
            notes: "Code as `ZipFile` only. Refused: images, S3, VPC, file systems, KMS keys, code signing and more."),
        .init("DeleteAlias", .delete, "/2015-03-31/functions/{FunctionName}/aliases/{Name}", .implemented),
        .init("DeleteFunction", .delete, "/2015-03-31/functions/{FunctionName}", .implemented),
        .init("DeleteFunctionConcurrency", .delete, "/2017-10-31/functions/{FunctionName}/concurrency", .implemented),
        .init(
            "DeleteFunctionEventInvokeConfig", .delete,
            "/2019-09-25/functions/{FunctionName}/event-invoke-config", .implemented),
        .init("GetAccountSettings", .get, "/2016-08-19/account-settings", .implemented),
        .init("GetAlias", .get, "/2015-03-31/functions/{FunctionName}/aliases/{Name}", .implemented),
        .init(
            "GetFunction", .get, "/2015-03-31/functions/{FunctionName}", .implemented,
            notes: "`Code.Location` is a short-lived URL on this server."),
        .init("GetFunctionConcurrency", .get, "/2019-09-30/functions/{FunctionName}/concurrency", .implemented),
        .init("GetFunctionConfiguration", .get, "/2015-03-31/functions/{FunctionName}/configuration", .implemented),
        .init(
            "GetFunctionEventInvokeConfig", .get,
            "/2019-09-25/functions/{FunctionName}/event-invoke-config", .implemented),
        .init("GetPolicy", .get, "/2015-03-31/functions/{FunctionName}/policy", .implemented),
        .init("Invoke", .post, "/2015-03-31/functions/{FunctionName}/invocations", .dataPlane),
        .init(
            "InvokeWithResponseStream", .post,
            "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", .dataPlane),
        .init("ListAliases", .get, "/2015-03-31/functions/{FunctionName}/aliases", .implemented),
        .init(
            "ListFunctionEventInvokeConfigs", .get,
            "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", .implemented),
        .init(
            "ListFunctions", .get, "/2015-03-31/functions", .implemented,
            notes: "`MasterRegion` has no effect: there are no replicas."),
        .init("ListTags", .get, "/2017-03-31/tags/{Resource}", .implemented, notes: "Functions only."),
        .init("ListVersionsByFunction", .get, "/2015-03-31/functions/{FunctionName}/versions", .implemented),
        .init("PublishVersion", .post, "/2015-03-31/functions/{FunctionName}/versions", .implemented),
        .init("PutFunctionConcurrency", .put, "/2017-10-31/functions/{FunctionName}/concurrency", .implemented),
        .init(
            "PutFunctionEventInvokeConfig", .put,
            "/2019-09-25/functions/{FunctionName}/event-invoke-config", .implemented,
            notes: "Destinations: functions."),
        .init("RemovePermission", .delete, "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", .implemented),
        .init("TagResource", .post, "/2017-03-31/tags/{Resource}", .implemented, notes: "Functions only."),
        .init("UntagResource", .delete, "/2017-03-31/tags/{Resource}", .implemented, notes: "Functions only."),
        .init("UpdateAlias", .put, "/2015-03-31/functions/{FunctionName}/aliases/{Name}", .implemented),
        .init(
            "UpdateFunctionCode", .put, "/2015-03-31/functions/{FunctionName}/code", .implemented,
            notes: "`ZipFile` only."),
        .init(
            "UpdateFunctionConfiguration", .put, "/2015-03-31/functions/{FunctionName}/configuration", .implemented,
            notes: "As CreateFunction; tenancy can't be changed."),
        .init(
            "UpdateFunctionEventInvokeConfig", .post,
            "/2019-09-25/functions/{FunctionName}/event-invoke-config", .implemented,
            notes: "Destinations: functions."),
    ]

    private static let layers: [LambdaOperation] = [
        .init(
            "AddLayerVersionPermission", .post,
            "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", .missing),
        .init("DeleteLayerVersion", .delete, "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", .implemented),
        .init("GetLayerVersion", .get, "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", .implemented),
        .init("GetLayerVersionByArn", .get, "/2018-10-31/layers?find=LayerVersion", .implemented),
        .init(
            "GetLayerVersionPolicy", .get,
            "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", .missing),
        .init("ListLayerVersions", .get, "/2018-10-31/layers/{LayerName}/versions", .implemented),
        .init("ListLayers", .get, "/2018-10-31/layers", .implemented),
        .init(
            "PublishLayerVersion", .post, "/2018-10-31/layers/{LayerName}/versions", .implemented,
            notes: "`ZipFile` only."),
        .init(
            "RemoveLayerVersionPermission", .delete,
            "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", .missing),
    ]

    private static let others: [LambdaOperation] = [
        .init(
            "CheckpointDurableExecution", .post,
            "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", .missing),
        .init("CreateCapacityProvider", .post, "/2025-11-30/capacity-providers", .missing),
        .init("CreateCodeSigningConfig", .post, "/2020-04-22/code-signing-configs", .missing),
        .init("CreateEventSourceMapping", .post, "/2015-03-31/event-source-mappings", .missing),
        .init("CreateFunctionUrlConfig", .post, "/2021-10-31/functions/{FunctionName}/url", .missing),
        .init("DeleteCapacityProvider", .delete, "/2025-11-30/capacity-providers/{CapacityProviderName}", .missing),
        .init("DeleteCodeSigningConfig", .delete, "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", .missing),
        .init("DeleteEventSourceMapping", .delete, "/2015-03-31/event-source-mappings/{UUID}", .missing),
        .init(
            "DeleteFunctionCodeSigningConfig", .delete,
            "/2020-06-30/functions/{FunctionName}/code-signing-config", .missing),
        .init("DeleteFunctionUrlConfig", .delete, "/2021-10-31/functions/{FunctionName}/url", .missing),
        .init(
            "DeleteProvisionedConcurrencyConfig", .delete,
            "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", .implemented),
        .init("GetCapacityProvider", .get, "/2025-11-30/capacity-providers/{CapacityProviderName}", .missing),
        .init("GetCodeSigningConfig", .get, "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", .missing),
        .init("GetDurableExecution", .get, "/2025-12-01/durable-executions/{DurableExecutionArn}", .missing),
        .init(
            "GetDurableExecutionHistory", .get,
            "/2025-12-01/durable-executions/{DurableExecutionArn}/history", .missing),
        .init("GetDurableExecutionState", .get, "/2025-12-01/durable-executions/{DurableExecutionArn}/state", .missing),
        .init("GetEventSourceMapping", .get, "/2015-03-31/event-source-mappings/{UUID}", .missing),
        .init(
            "GetFunctionCodeSigningConfig", .get,
            "/2020-06-30/functions/{FunctionName}/code-signing-config", .missing),
        .init("GetFunctionRecursionConfig", .get, "/2024-08-31/functions/{FunctionName}/recursion-config", .missing),
        .init(
            "GetFunctionScalingConfig", .get,
            "/2025-11-30/functions/{FunctionName}/function-scaling-config", .missing),
        .init("GetFunctionUrlConfig", .get, "/2021-10-31/functions/{FunctionName}/url", .missing),
        .init(
            "GetProvisionedConcurrencyConfig", .get,
            "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", .implemented),
        .init(
            "GetRuntimeManagementConfig", .get,
            "/2021-07-20/functions/{FunctionName}/runtime-management-config", .missing),
        .init("InvokeAsync", .post, "/2014-11-13/functions/{FunctionName}/invoke-async", .missing),
        .init("ListCapacityProviders", .get, "/2025-11-30/capacity-providers", .missing),
        .init("ListCodeSigningConfigs", .get, "/2020-04-22/code-signing-configs", .missing),
        .init(
            "ListDurableExecutionsByFunction", .get,
            "/2025-12-01/functions/{FunctionName}/durable-executions", .missing),
        .init("ListEventSourceMappings", .get, "/2015-03-31/event-source-mappings", .missing),
        .init("ListFunctionUrlConfigs", .get, "/2021-10-31/functions/{FunctionName}/urls", .missing),
        .init(
            "ListFunctionVersionsByCapacityProvider", .get,
            "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", .missing),
        .init(
            "ListFunctionsByCodeSigningConfig", .get,
            "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", .missing),
        .init(
            "ListProvisionedConcurrencyConfigs", .get,
            "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", .implemented),
        .init(
            "PutFunctionCodeSigningConfig", .put,
            "/2020-06-30/functions/{FunctionName}/code-signing-config", .missing),
        .init("PutFunctionRecursionConfig", .put, "/2024-08-31/functions/{FunctionName}/recursion-config", .missing),
        .init(
            "PutFunctionScalingConfig", .put,
            "/2025-11-30/functions/{FunctionName}/function-scaling-config", .missing),
        .init(
            "PutProvisionedConcurrencyConfig", .put,
            "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", .implemented,
            notes: "Also on functions with tenant isolation, which AWS refuses."),
        .init(
            "PutRuntimeManagementConfig", .put,
            "/2021-07-20/functions/{FunctionName}/runtime-management-config", .missing),
        .init(
            "SendDurableExecutionCallbackFailure", .post,
            "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", .missing),
        .init(
            "SendDurableExecutionCallbackHeartbeat", .post,
            "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", .missing),
        .init(
            "SendDurableExecutionCallbackSuccess", .post,
            "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", .missing),
        .init("StopDurableExecution", .post, "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", .missing),
        .init("UpdateCapacityProvider", .put, "/2025-11-30/capacity-providers/{CapacityProviderName}", .missing),
        .init("UpdateCodeSigningConfig", .put, "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", .missing),
        .init("UpdateEventSourceMapping", .put, "/2015-03-31/event-source-mappings/{UUID}", .missing),
        .init("UpdateFunctionUrlConfig", .put, "/2021-10-31/functions/{FunctionName}/url", .missing),
    ]
}
