"""Every member that botocore's models have of an operation that the stand-in answers is read there, or refused by its name.

A member that is passed over shows: a value of a wrong type in it is answered as if it were not there. The endpoint and the key
are in the environment.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.session

REGION = "us-east-1"
# Each service by its name in botocore; S3, whose members are headers, and EC2, which has a protocol of its own, have tests of
# their own.
SERVICES = [
    "athena",
    "dynamodb",
    "ecs",
    "firehose",
    "glue",
    "iam",
    "kinesis",
    "lambda",
    "logs",
    "redshift-data",
    "redshift-serverless",
    "scheduler",
    "secretsmanager",
    "service-quotas",
    "sts",
]

# Members outside a JSON body, where a value has no type to be wrong in; these are read.
READ = {
    "iam": """RoleName Path AssumeRolePolicyDocument PolicyDocument PolicyName PolicyArn Description MaxSessionDuration Tags
        TagKeys PathPrefix Marker MaxItems UserName PolicySourceArn PolicyInputList ActionNames ResourceArns ContextEntries""",
    "lambda": "Marker MaxItems EventSourceArn FunctionName TagKeys InvocationType LogType",
    "scheduler": "ScheduleGroup NamePrefix State MaxResults NextToken GroupName ClientToken TagKeys",
}


# The library that DynamoDB is here reads these once it knows the table.
OF_TABLES = """AttributeDefinitions KeySchema LocalSecondaryIndexes GlobalSecondaryIndexes VectorIndexes ProvisionedThroughput
    KeyConditions QueryFilter""".split()

# What is asked for besides what the model requires.
NEEDED = {
    ("lambda", "CreateEventSourceMapping"): {
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/none",
        "StartingPosition": "LATEST",
    },
    ("lambda", "CreateFunction"): {"Runtime": "provided.al2023", "Handler": "bootstrap"},
}

# These look for what is to be changed first; then they refuse as CreateFunction and CreateEventSourceMapping do.
LOOKED_FOR = ["UpdateFunctionConfiguration", "UpdateEventSourceMapping", "UpdateDestination"]


class StandIn:
    def __init__(self, service):
        session = botocore.session.get_session()
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
        self.credentials = session.get_credentials()
        self.model = session.get_service_model(service)

    def send(self, method, path, headers, body):
        """The code and the message of an error; two empty texts of success."""
        request = botocore.awsrequest.AWSRequest(method, self.endpoint + path, headers, body)
        signer = botocore.auth.SigV4Auth(self.credentials, self.model.signing_name, REGION)
        signer.add_auth(request)
        prepared = request.prepare()
        data = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        sent = urllib.request.Request(prepared.url, data, dict(prepared.headers), method=method)
        try:
            urllib.request.urlopen(sent, timeout=30).read()
            return "", ""
        except urllib.error.HTTPError as error:
            return error.headers.get("x-amzn-errortype") or "", error.read().decode()

    def call(self, operation, members):
        protocol = self.model.metadata["protocol"]
        if protocol == "json":
            return self.send_json(operation, members)
        if protocol == "query":
            return self.send_form(operation, members)
        return self.send_rest(operation, members)

    def send_json(self, operation, members):
        meta = self.model.metadata
        headers = {
            "X-Amz-Target": f"{meta['targetPrefix']}.{operation.name}",
            "Content-Type": f"application/x-amz-json-{meta['jsonVersion']}",
        }
        return self.send("POST", "/", headers, json.dumps(members))

    def send_form(self, operation, members):
        fields = {"Action": operation.name, "Version": self.model.metadata["apiVersion"]}
        for name, value in members.items():
            is_list = operation.input_shape.members[name].type_name == "list"
            fields[f"{name}.member.1" if is_list else name] = "1" if is_list else value
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", "/", headers, urllib.parse.urlencode(fields))

    def send_rest(self, operation, members):
        path, _, fixed = operation.http["requestUri"].partition("?")
        query, headers, body = urllib.parse.parse_qsl(fixed, keep_blank_values=True), {}, {}
        for name, value in members.items():
            shape = operation.input_shape.members[name]
            wire = shape.serialization.get("name", name)
            match shape.serialization.get("location"):
                case "uri":
                    path = path.replace(f"{{{wire}}}", urllib.parse.quote(str(value), safe=""))
                case "querystring":
                    query.append((wire, value if isinstance(value, str) else "1"))
                case "header":
                    headers[wire] = "1"
                case _ if operation.input_shape.serialization.get("payload") != name:
                    body[wire] = value
        if query:
            path += "?" + urllib.parse.urlencode(query)
        method = operation.http["method"]
        data = json.dumps(body) if method in ("POST", "PUT") else None
        return self.send(method, path, headers | {"Content-Type": "application/json"}, data)


def plausible(shape):
    match shape.type_name:
        case "string":
            return (shape.enum or ["x" * max(3, shape.metadata.get("min", 3))])[0]
        case "integer" | "long" | "double" | "float" | "timestamp":
            return shape.metadata.get("min", 1)
        case "boolean":
            return False
        case "blob":
            return "eA=="
        case "list":
            return [plausible(shape.member)]
        case "map":
            return {}
        case "structure":
            return {name: plausible(shape.members[name]) for name in shape.required_members}


def wrong(shape):
    return {"of": "another type"} if shape.type_name in ("string", "blob") else "of another type"


def is_answered(answer):
    return not any(sign in part for part in answer for sign in ("UnknownOperation", "InvalidAction"))


def is_noticed(member, answer):
    """Refused by its name, or for the type of its value."""
    code, message = answer
    signs = (member.lower(), "invalid type", "unknown variant")
    return any(sign in message.lower() for sign in signs) or "Serialization" in code


def passed_over(service):
    stand_in = StandIn(service)
    read = READ.get(service, "").split()
    for name in stand_in.model.operation_names:
        operation = stand_in.model.operation_model(name)
        shape = operation.input_shape
        if shape is None:
            continue
        required = {member: plausible(shape.members[member]) for member in shape.required_members}
        required |= NEEDED.get((service, name), {})
        if name in LOOKED_FOR or not is_answered(stand_in.call(operation, required)):
            continue
        for member, of in shape.members.items():
            is_typed = stand_in.model.metadata["protocol"] == "json" or not of.serialization.get("location")
            is_typed = is_typed and stand_in.model.metadata["protocol"] != "query"
            if service == "dynamodb" and member in OF_TABLES:
                continue
            is_payload = member in ("Payload", shape.serialization.get("payload"))
            if is_payload or (not is_typed and member in read) or of.serialization.get("location") == "uri":
                continue
            answer = stand_in.call(operation, required | {member: wrong(of) if is_typed else "1"})
            if not is_noticed(of.serialization.get("name", member), answer):
                yield f"{service} {name} {member}: {answer}"


found = [line for service in SERVICES for line in passed_over(service)]
print("\n".join(found))
sys.exit(f"{len(found)} members are passed over" if found else 0)
