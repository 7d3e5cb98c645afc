"""DynamoDB through boto3's client and resource, PynamoDB, and the article's tenant data service."""

import base64
import concurrent.futures
import decimal
import random
import uuid

import boto3
import pynamodb.attributes
import pynamodb.exceptions
import pynamodb.indexes
import pynamodb.models
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from support.server import wait_until

REGION = "us-east-1"


@pytest.fixture
def client(server):
    return server.client("dynamodb")


@pytest.fixture
def resource(server):
    return resource_of(server)


def resource_of(server):
    credentials = server.credentials
    return boto3.resource(
        "dynamodb", endpoint_url=server.endpoint, region_name=REGION,
        aws_access_key_id=credentials["accessKeyId"], aws_secret_access_key=credentials["secretAccessKey"])


@pytest.fixture
def table(resource):
    """Partition key PK, sort key SK, a global index by `colour` and a local one by `size`."""
    table = resource.create_table(
        TableName=f"t-{uuid.uuid4().hex[:12]}", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "PK", "AttributeType": "S"}, {"AttributeName": "SK", "AttributeType": "S"},
            {"AttributeName": "colour", "AttributeType": "S"}, {"AttributeName": "size", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[{
            "IndexName": "by-colour", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}, {"AttributeName": "size", "KeyType": "RANGE"}]}],
        LocalSecondaryIndexes=[{
            "IndexName": "by-size", "Projection": {"ProjectionType": "KEYS_ONLY"},
            "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "size", "KeyType": "RANGE"}]}])
    table.wait_until_exists()
    yield table
    table.delete()
    table.wait_until_not_exists()


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value.response


# The article's service, in the same shape


class TenantDataService:
    def __init__(self, table, tenant_id):
        self.table = table
        self.tenant_id = tenant_id
        self.pk_prefix = f"TENANT#{tenant_id}"

    def get_record(self, record_id):
        item = self.table.get_item(Key={"PK": self.pk_prefix, "SK": f"RECORD#{record_id}"}).get("Item")
        if item and item.get("tenant_id") != self.tenant_id:
            raise PermissionError(record_id)
        return item

    def query_records(self, record_type, limit=100):
        return self.table.query(
            KeyConditionExpression=Key("PK").eq(self.pk_prefix) & Key("SK").begins_with(f"{record_type}#"),
            Limit=limit)["Items"]

    def put_record(self, record_id, data):
        self.table.put_item(
            Item={"PK": self.pk_prefix, "SK": f"RECORD#{record_id}", "tenant_id": self.tenant_id, **data},
            ConditionExpression="attribute_not_exists(PK) OR tenant_id = :tid",
            ExpressionAttributeValues={":tid": self.tenant_id})


def test_tenant_data_service(table):
    services = {tenant: TenantDataService(table, tenant) for tenant in ("acme", "globex")}
    for tenant, service in services.items():
        for number in range(3):
            service.put_record(str(number), {"owner": tenant, "amount": decimal.Decimal("12.50")})
        service.put_record("0", {"owner": tenant, "amount": 7})
    for tenant, service in services.items():
        assert service.get_record("0")["amount"] == 7
        assert service.get_record("9") is None
        assert [item["owner"] for item in service.query_records("RECORD")] == [tenant] * 3
        assert len(service.query_records("RECORD", limit=2)) == 2
    table.put_item(Item={"PK": "TENANT#acme", "SK": "RECORD#x", "tenant_id": "globex"})
    refused(
        "ConditionalCheckFailedException", table.put_item,
        Item={"PK": "TENANT#acme", "SK": "RECORD#x", "tenant_id": "acme"},
        ConditionExpression="attribute_not_exists(PK) OR tenant_id = :tid",
        ExpressionAttributeValues={":tid": "acme"})


# Items


def test_every_type(table):
    item = {
        "PK": "a", "SK": "b", "text": "\u00e9\u2028\U0001f600\"\\\n", "number": decimal.Decimal("-1.234E-20"),
        "large": decimal.Decimal("12345678901234567890123456789012345678"), "binary": b"\x00\xff", "yes": True,
        "no": False, "none": None, "list": [1, "x", [b"y"]], "map": {"k": {"deep": [{}]}},
        "texts": {"a", "b"}, "numbers": {1, decimal.Decimal("2.5")}, "binaries": {b"a", b"b"}, "empty": ""}
    table.put_item(Item=item)
    assert table.get_item(Key={"PK": "a", "SK": "b"})["Item"] == item


@pytest.mark.parametrize("written, read", [
    ("1E3", "1000"), ("-0", "0"), ("0010.500", "10.5"), (".5", "0.5"), ("1e-5", "0.00001"), ("1E+20", "1" + "0" * 20)])
def test_numbers_are_normalized(client, table, written, read):
    client.put_item(TableName=table.name, Item={"PK": {"S": "n"}, "SK": {"S": written}, "n": {"N": written}})
    answer = client.get_item(TableName=table.name, Key={"PK": {"S": "n"}, "SK": {"S": written}})
    assert answer["Item"]["n"]["N"] == read


@pytest.mark.parametrize("number, message", [
    ("x", "The parameter cannot be converted to a numeric value: x"),
    ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ("1" * 39, "Attempting to store more than 38 significant digits in a Number")])
def test_wrong_numbers(client, table, number, message):
    answer = refused(
        "ValidationException", client.put_item, TableName=table.name,
        Item={"PK": {"S": "n"}, "SK": {"S": "n"}, "n": {"N": number}})
    assert answer["Error"]["Message"] == message


def test_updates(table):
    key = {"PK": "u", "SK": "1"}
    answer = table.update_item(
        Key=key, UpdateExpression="SET #n = if_not_exists(#n, :zero) + :one, #l = :l, tier = :t ADD visits :one, tags :s",
        ExpressionAttributeNames={"#n": "counter", "#l": "list"},
        ExpressionAttributeValues={":zero": 0, ":one": 1, ":l": [1, 2, 3], ":t": "gold", ":s": {"a", "b"}},
        ReturnValues="ALL_NEW")
    assert answer["Attributes"] == {
        **key, "counter": 1, "list": [1, 2, 3], "tier": "gold", "visits": 1, "tags": {"a", "b"}}
    answer = table.update_item(
        Key=key, UpdateExpression="SET #l[0] = :x REMOVE #l[1], tier DELETE tags :s", ReturnValues="ALL_NEW",
        ExpressionAttributeNames={"#l": "list"}, ExpressionAttributeValues={":x": "first", ":s": {"b"}})
    assert answer["Attributes"] == {**key, "counter": 1, "list": ["first", 3], "visits": 1, "tags": {"a"}}


def test_legacy_parameters(client, table):
    client.put_item(
        TableName=table.name, Item={"PK": {"S": "l"}, "SK": {"S": "1"}, "v": {"N": "1"}},
        Expected={"PK": {"Exists": False}})
    refused(
        "ConditionalCheckFailedException", client.put_item, TableName=table.name,
        Item={"PK": {"S": "l"}, "SK": {"S": "1"}}, Expected={"v": {"Value": {"N": "2"}}})
    answer = client.update_item(
        TableName=table.name, Key={"PK": {"S": "l"}, "SK": {"S": "1"}}, ReturnValues="ALL_NEW",
        AttributeUpdates={
            "v": {"Action": "ADD", "Value": {"N": "4"}}, "w": {"Action": "PUT", "Value": {"S": "x"}},
            "gone": {"Action": "DELETE"}},
        Expected={"v": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "0"}, {"N": "1"}]}})
    assert answer["Attributes"] == {"PK": {"S": "l"}, "SK": {"S": "1"}, "v": {"N": "5"}, "w": {"S": "x"}}
    answer = client.query(
        TableName=table.name, AttributesToGet=["v"],
        KeyConditions={"PK": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "l"}]}},
        QueryFilter={"w": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "x"}]}})
    assert answer["Items"] == [{"v": {"N": "5"}}]


def test_binary_keys_sort_by_bytes(client, name):
    client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "N"}, {"AttributeName": "s", "AttributeType": "B"}])
    client.get_waiter("table_exists").wait(TableName=name)
    keys = [b"\x00", b"\x00\x00", b"\x01", b"\x7f\xff", b"\x80", b"\xff"]
    for key in random.sample(keys, len(keys)):
        client.put_item(TableName=name, Item={"p": {"N": "1.0"}, "s": {"B": key}})
    answer = client.query(
        TableName=name, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"N": "1"}})
    assert [item["s"]["B"] for item in answer["Items"]] == keys
    client.delete_table(TableName=name)


# Queries and scans


def test_queries(table):
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={
                "PK": f"p{number % 2}", "SK": f"s{number:03}", "colour": ["red", "blue", "green"][number % 3],
                "size": number, "rest": "x" * 10})
    answer = table.query(KeyConditionExpression=Key("PK").eq("p0") & Key("SK").between("s010", "s020"))
    assert [item["SK"] for item in answer["Items"]] == [f"s{number:03}" for number in range(10, 21, 2)]
    answer = table.query(
        IndexName="by-colour", KeyConditionExpression=Key("colour").eq("red") & Key("size").gt(50), ScanIndexForward=False)
    assert [int(item["size"]) for item in answer["Items"]] == [57, 54, 51]
    answer = table.query(IndexName="by-size", KeyConditionExpression=Key("PK").eq("p1") & Key("size").lt(6))
    assert answer["Items"] == [{"PK": "p1", "SK": f"s{number:03}", "size": number} for number in (1, 3, 5)]
    answer = table.query(
        KeyConditionExpression=Key("PK").eq("p0"), FilterExpression=Attr("colour").is_in(["red", "blue"]) & Attr("size").lt(20),
        ProjectionExpression="#s", ExpressionAttributeNames={"#s": "size"})
    assert sorted(int(item["size"]) for item in answer["Items"]) == [0, 4, 6, 10, 12, 16, 18]
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name, PaginationConfig={"PageSize": 7})
    assert sum(page["Count"] for page in pages) == 60
    segments = [table.scan(Segment=number, TotalSegments=5)["Items"] for number in range(5)]
    assert len({(item["PK"], item["SK"]) for segment in segments for item in segment}) == 60


def test_consumed_capacity(table):
    table.put_item(Item={"PK": "c", "SK": "1", "colour": "red", "size": 1, "x": "y" * 3000})
    answer = table.get_item(Key={"PK": "c", "SK": "1"}, ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
    assert answer["ConsumedCapacity"] == {"TableName": table.name, "CapacityUnits": 1.0}
    answer = table.update_item(
        Key={"PK": "c", "SK": "1"}, UpdateExpression="SET z = :z", ExpressionAttributeValues={":z": 1},
        ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE")
    assert answer["ConsumedCapacity"]["Table"] == {"CapacityUnits": 3.0}
    assert answer["ConsumedCapacity"]["GlobalSecondaryIndexes"] == {"by-colour": {"CapacityUnits": 3.0}}
    assert answer["ItemCollectionMetrics"]["ItemCollectionKey"] == {"PK": "c"}


# Transactions and batches


def test_transactions(client, table):
    def put(sort, **more):
        return {"Put": {"TableName": table.name, "Item": {"PK": {"S": "t"}, "SK": {"S": sort}}, **more}}
    client.transact_write_items(TransactItems=[put("1"), put("2")])
    with pytest.raises(client.exceptions.TransactionCanceledException) as error:
        client.transact_write_items(TransactItems=[
            put("3"), put("1", ConditionExpression="attribute_not_exists(PK)", ReturnValuesOnConditionCheckFailure="ALL_OLD")])
    assert [reason["Code"] for reason in error.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert error.value.response["CancellationReasons"][1]["Item"]["SK"] == {"S": "1"}
    answer = client.transact_get_items(TransactItems=[
        {"Get": {"TableName": table.name, "Key": {"PK": {"S": "t"}, "SK": {"S": sort}}}} for sort in "123"])
    assert ["Item" in response for response in answer["Responses"]] == [True, True, False]


def test_batches(resource, table):
    with table.batch_writer() as batch:
        for number in range(120):
            batch.put_item(Item={"PK": "b", "SK": str(number)})
        for number in range(0, 120, 2):
            batch.delete_item(Key={"PK": "b", "SK": str(number)})
    answer = resource.batch_get_item(RequestItems={table.name: {"Keys": [{"PK": "b", "SK": str(n)} for n in range(100)]}})
    assert sorted(int(item["SK"]) for item in answer["Responses"][table.name]) == list(range(1, 100, 2))
    assert answer["UnprocessedKeys"] == {}


def test_statements(client, table):
    client.execute_statement(
        Statement=f'INSERT INTO "{table.name}" VALUE {{\'PK\': ?, \'SK\': ?, \'size\': 4}}',
        Parameters=[{"S": "q"}, {"S": "1"}])
    answer = client.execute_statement(Statement=f"SELECT * FROM \"{table.name}\" WHERE PK = 'q' AND size > 3")
    assert answer["Items"] == [{"PK": {"S": "q"}, "SK": {"S": "1"}, "size": {"N": "4"}}]
    with pytest.raises(client.exceptions.DuplicateItemException):
        client.execute_statement(Statement=f"INSERT INTO \"{table.name}\" VALUE {{'PK': 'q', 'SK': '1'}}")


# Errors


@pytest.mark.parametrize("operation, arguments, message", [
    ("get_item", {"Key": {"PK": "x"}}, "The provided key element does not match the schema"),
    ("get_item", {"Key": {"PK": "x", "SK": 1}}, "The provided key element does not match the schema"),
    ("put_item", {"Item": {"PK": "x"}}, "One or more parameter values were invalid: Missing the key SK in the item"),
    ("put_item", {"Item": {"PK": "x", "SK": 1}},
     "One or more parameter values were invalid: Type mismatch for key SK expected: S actual: N"),
    ("put_item", {"Item": {"PK": "x", "SK": "y", "z": "z" * 409600}}, "Item size has exceeded the maximum allowed size"),
    ("put_item", {"Item": {"PK": "x", "SK": "y"}, "ConditionExpression": "attribute_exists(#a)", "ExpressionAttributeNames": {"#a": "PK", "#b": "c"}},
     "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"),
    ("put_item", {"Item": {"PK": "x", "SK": "y"}, "ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
    ("update_item", {"Key": {"PK": "x", "SK": "y"}, "UpdateExpression": "SET PK = :v", "ExpressionAttributeValues": {":v": 1}},
     "One or more parameter values were invalid: Cannot update attribute PK. This attribute is part of the key"),
    ("update_item", {"Key": {"PK": "x", "SK": "y"}, "UpdateExpression": "SET a = :v, a.b = :v", "ExpressionAttributeValues": {":v": 1}},
     "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; "
     "path one: [a], path two: [a, b]"),
    ("query", {"KeyConditionExpression": "SK = :v", "ExpressionAttributeValues": {":v": "x"}},
     "Query condition missed key schema element: PK"),
    ("scan", {"IndexName": "no-such"}, "The table does not have the specified index: no-such"),
    ("scan", {"FilterExpression": "size > :v", "ExpressionAttributeValues": {":v": 1}},
     "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: size")])
def test_messages(table, operation, arguments, message):
    answer = refused("ValidationException", getattr(table, operation), **arguments)
    assert answer["Error"]["Message"] == message


def test_absent_tables(client):
    answer = refused("ResourceNotFoundException", client.get_item, TableName="no-such", Key={"a": {"S": "b"}})
    assert answer["Error"]["Message"] == "Requested resource not found"
    answer = refused("ResourceNotFoundException", client.describe_table, TableName="no-such")
    assert answer["Error"]["Message"] == "Requested resource not found: Table: no-such not found"


# Tables


def test_index_made_later(client, table):
    with table.batch_writer() as batch:
        for number in range(300):
            batch.put_item(Item={"PK": "p", "SK": str(number), "late": f"l{number % 3}"})
    client.update_table(
        TableName=table.name, AttributeDefinitions=[{"AttributeName": "late", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": {
            "IndexName": "by-late", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "late", "KeyType": "HASH"}]}}])
    wait_until(
        lambda: all(index["IndexStatus"] == "ACTIVE" for index in
                    client.describe_table(TableName=table.name)["Table"]["GlobalSecondaryIndexes"]), "the index is active")
    answer = table.query(IndexName="by-late", KeyConditionExpression=Key("late").eq("l1"), Select="COUNT")
    assert answer["Count"] == 100


def test_pynamodb(server, name):
    credentials = server.credentials

    class ByStatus(pynamodb.indexes.GlobalSecondaryIndex):
        class Meta:
            index_name = "by-status"
            projection = pynamodb.indexes.AllProjection()
            read_capacity_units = write_capacity_units = 1

        status = pynamodb.attributes.UnicodeAttribute(hash_key=True)
        total = pynamodb.attributes.NumberAttribute(range_key=True)

    class Order(pynamodb.models.Model):
        class Meta:
            table_name = name
            host = server.endpoint
            region = REGION
            aws_access_key_id = credentials["accessKeyId"]
            aws_secret_access_key = credentials["secretAccessKey"]
            read_capacity_units = write_capacity_units = 1

        customer = pynamodb.attributes.UnicodeAttribute(hash_key=True)
        number = pynamodb.attributes.NumberAttribute(range_key=True)
        status = pynamodb.attributes.UnicodeAttribute(default="open")
        total = pynamodb.attributes.NumberAttribute(default=0)
        lines = pynamodb.attributes.ListAttribute(default=list)
        details = pynamodb.attributes.JSONAttribute(null=True)
        version = pynamodb.attributes.VersionAttribute()
        by_status = ByStatus()

    Order.create_table(wait=True)
    with Order.batch_write() as batch:
        for number in range(30):
            batch.save(Order("acme", number, total=number * 2, status=["open", "sent"][number % 2], lines=[{"n": number}]))
    assert [order.number for order in Order.query("acme", Order.number.between(5, 8))] == [5, 6, 7, 8]
    assert [order.total for order in Order.by_status.query("sent", Order.total > 50)] == [54, 58]
    order = Order.get("acme", 3)
    order.update(actions=[Order.total.add(5), Order.lines.set(Order.lines.append([{"m": 1}]))])
    assert (order.total, len(order.lines)) == (11, 2)
    stale = Order.get("acme", 3)
    order.details = {"deep": [1, {"x": None}]}
    order.save()
    stale.total = 1
    with pytest.raises(pynamodb.exceptions.PutError):
        stale.save()
    assert Order.get("acme", 3).details == {"deep": [1, {"x": None}]}
    assert sum(1 for _ in Order.scan(Order.total > 20, page_size=4)) == 19
    with pytest.raises(Order.DoesNotExist):
        Order.get("acme", 99)
    Order.delete_table()


# Durability


def test_acknowledged_writes_survive_a_kill(level):
    """Every put that was answered before a SIGKILL is there after the restart."""
    from support.server import Server

    server = Server(level)
    try:
        server.start()
        client = server.client("dynamodb")
        client.create_table(
            TableName="kept", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
        for round_ in range(3):
            client = server.client("dynamodb")
            answered = []

            def write(worker, client=client, answered=answered, round_=round_):
                for number in range(10_000):
                    key = f"{round_}-{worker}-{number}"
                    try:
                        client.put_item(TableName="kept", Item={"k": {"S": key}, "v": {"B": base64.b64encode(key.encode())}})
                    except Exception:  # the server is gone
                        return
                    answered.append(key)

            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for worker in range(8):
                    pool.submit(write, worker)
                wait_until(lambda: len(answered) > 200, "200 writes were answered")
                server.kill()
            server.start()
            client = server.client("dynamodb")
            for key in answered:
                item = client.get_item(TableName="kept", Key={"k": {"S": key}}).get("Item")
                assert item and item["v"]["B"] == base64.b64encode(key.encode()), key
    finally:
        server.destroy()
