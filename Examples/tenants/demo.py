"""Invokes the example for two tenants, twice each, with boto3, and proves from the answers that they share nothing."""

import json
import sys

import boto3

FUNCTION = "tenant-isolated-processor"
TENANTS = ["tenant-acme", "tenant-globex"]

client = boto3.client("lambda")


def invoke(tenant, note):
    response = client.invoke(FunctionName=FUNCTION, TenantId=tenant, Payload=json.dumps({"note": note}))
    answer = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        sys.exit(f"{tenant}: {answer}")
    return answer


def check(claim, holds):
    print(f"  {'proved' if holds else 'FAILED'}  {claim}")
    return holds


answers = {tenant: [] for tenant in TENANTS}
for round in ("first", "second"):
    for tenant in TENANTS:
        answer = invoke(tenant, f"{round} secret of {tenant}")
        answers[tenant].append(answer)
        environment = answer["environment"]
        print(f"{tenant}  call {answer['invocations']} of environment {environment['logStream'].split(']')[1]}")
        print(f"  pid namespace  {environment['pidNamespace'] or 'own kernel view'}, processes {environment['processes']}")
        print(f"  globals        tenants seen: {answer['tenantsSeen']}")
        print(f"  /tmp           {answer['notes']}")

print()
one, other = (answers[tenant] for tenant in TENANTS)
environments = [{answer["environment"]["logStream"] for answer in each} for each in (one, other)]
proofs = [
    check("each tenant has one environment of its own, reused for its second call", all(len(e) == 1 for e in environments)),
    check("no environment served both tenants", not environments[0] & environments[1]),
    check("no tenant's globals show the other", all(a["tenantsSeen"] == [t] for t in TENANTS for a in answers[t])),
    check(
        "no tenant's /tmp shows the other's files",
        all(text.startswith(t + ":") for t in TENANTS for a in answers[t] for text in a["notes"].values()),
    ),
]
try:
    client.invoke(FunctionName=FUNCTION, Payload=b"{}")
    proofs.append(check("a call without a tenant is refused", False))
except client.exceptions.InvalidParameterValueException as refusal:
    proofs.append(check(f"a call without a tenant is refused: {refusal.response['message']}", True))
sys.exit(0 if all(proofs) else 1)
