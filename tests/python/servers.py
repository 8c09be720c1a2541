"""Servers on loopback that stand for AWS and Redis."""

import boto3

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
               "AWS_EC2_METADATA_DISABLED": "true"}
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def new_table(endpoint: str, name: str) -> str:
    boto3.client("dynamodb", region_name="eu-west-1", endpoint_url=endpoint).create_table(
        TableName=name, **TABLE)
    return f"dynamodb://{name}?region=eu-west-1&endpoint={endpoint}"
