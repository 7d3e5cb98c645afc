"""aws-lambda-powertools and aws-xray-sdk as their users have them, in code like the article's."""

import base64
import json

import pytest

from support import packages

POWERTOOLS = "aws-lambda-powertools==3.37.0"
XRAY = "aws-xray-sdk==2.15.0"

# The article's handler, with what it leaves out (its database and its list of tenants) as plain values.
ARTICLE = """
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="multi-tenant-processor")
tracer = Tracer(service="multi-tenant-processor")
metrics = Metrics(namespace="Tenants", service="multi-tenant-processor")


def is_valid_tenant(tenant_id):
    return tenant_id in ("blue", "green")


@metrics.log_metrics(capture_cold_start_metric=True)
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def process(event, context):
    client_ctx_raw = context.client_context
    if not client_ctx_raw or "custom" not in client_ctx_raw:
        raise ValueError("Missing tenant context")

    tenant_id = client_ctx_raw["custom"]["tenantId"]

    if not is_valid_tenant(tenant_id):
        logger.warning("Invalid tenant ID", tenant_id=tenant_id)
        raise ValueError(f"Unknown tenant: {tenant_id}")

    logger.append_keys(tenant_id=tenant_id)
    logger.info("Processing request", event_keys=list(event.keys()))
    tracer.put_annotation(key="tenant_id", value=tenant_id)
    metrics.add_dimension(name="tenant_id", value=tenant_id)
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)

    result = process_business_logic(event, tenant_id)

    return {"tenant_id": tenant_id, "result": result}


@tracer.capture_method
def process_business_logic(event, tenant_id):
    return {"PK": f"TENANT#{tenant_id}", "SK": f"ORDER#{event['order_id']}"}
"""


@pytest.fixture(scope="module")
def article(server):
    folder = packages.python_packages(POWERTOOLS, XRAY)
    layer = server.lambda_.publish_layer_version(
        LayerName="powertools", Content={"ZipFile": packages.zip_folder(folder, "python/")})
    name = "multi-tenant-processor"
    server.create(
        name, {"handler.py": ARTICLE}, handler="handler.process", tenants=True, MemorySize=512,
        Layers=[layer["LayerVersionArn"]], TracingConfig={"Mode": "Active"},
        Environment={"Variables": {"POWERTOOLS_SERVICE_NAME": "multi-tenant-processor", "LOG_LEVEL": "INFO"}})
    yield name
    server.delete(name)


def invoke_for_tenant(server, name, tenant_id, payload):
    """The article's function."""
    client_context = base64.b64encode(json.dumps({"custom": {"tenantId": tenant_id}}).encode("utf-8")).decode("utf-8")
    response = server.lambda_.invoke(
        FunctionName=name, InvocationType="RequestResponse", ClientContext=client_context, Payload=json.dumps(payload))
    result = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        raise RuntimeError(f"Lambda error: {result}")
    return response, result


def test_the_article(server, article):
    for tenant in ("blue", "green"):
        _, result = invoke_for_tenant(server, article, tenant, {"order_id": 5})
        assert result == {"tenant_id": tenant, "result": {"PK": f"TENANT#{tenant}", "SK": "ORDER#5"}}
    with pytest.raises(RuntimeError, match="Unknown tenant: red"):
        invoke_for_tenant(server, article, "red", {"order_id": 5})


def lines(server, name, request):
    def found():
        records = []
        for event in server.log_events(name):
            try:
                records.append(json.loads(event["message"]))
            except ValueError:
                continue
        return records
    server.wait_for_log(name, f"REPORT RequestId: {request}")
    return found()


def test_logger(server, article):
    response, _ = invoke_for_tenant(server, article, "blue", {"order_id": 6})
    request = response["ResponseMetadata"]["RequestId"]
    records = [one for one in lines(server, article, request) if one.get("function_request_id") == request]
    record = [one for one in records if one["message"] == "Processing request"][0]
    assert record["tenant_id"] == "blue" and record["event_keys"] == ["order_id"] and record["level"] == "INFO"
    assert record["function_name"] == article and record["function_memory_size"] in ("512", 512)
    assert record["function_arn"].endswith(f":function:{article}")
    assert record["xray_trace_id"].startswith("1-")


def test_metrics(server, article):
    response, _ = invoke_for_tenant(server, article, "green", {"order_id": 7})
    records = lines(server, article, response["ResponseMetadata"]["RequestId"])
    metrics = [one for one in records if "_aws" in one]
    counted = [one for one in metrics if "Requests" in one and one.get("tenant_id") == "green"]
    assert counted and counted[0]["Requests"] == [1.0]
    assert counted[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Tenants"
    assert [one for one in metrics if "ColdStart" in one]


def test_tracer_breaks_nothing(server, article):
    """There is no X-Ray daemon yet: the SDK sends its datagrams to nobody and the function must not notice."""
    response, _ = invoke_for_tenant(server, article, "blue", {"order_id": 8})
    server.wait_for_log(article, f"REPORT RequestId: {response['ResponseMetadata']['RequestId']}")
    text = " ".join(event["message"] for event in server.log_events(article))
    assert "aws_xray_sdk" not in text and "cannot find the current segment" not in text


def test_preinstalled_packages(server, make):
    name = make({"app.py": """
def handler(event, context):
    import awslambdaric, boto3, botocore
    return [boto3.__version__, botocore.__version__, boto3.client("s3").meta.region_name]
"""}, MemorySize=512)
    boto3, botocore, region = server.call(name)
    assert boto3.split(".")[0] == "1" and botocore.split(".")[0] == "1" and region == "us-east-1"
