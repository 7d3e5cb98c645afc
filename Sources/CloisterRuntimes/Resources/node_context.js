"use strict";
// The context object that handlers get.

const { named } = require("./errors.js");

function parse(text, name) {
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw named("Runtime.LambdaContextUnmarshalError", `Unable to parse ${name} JSON: ${error.message}`);
  }
}

class Context {
  #deadline;

  constructor(headers) {
    const environment = process.env;
    this.#deadline = Number(headers["lambda-runtime-deadline-ms"] ?? 0);
    this.callbackWaitsForEmptyEventLoop = true;
    this.functionVersion = environment.AWS_LAMBDA_FUNCTION_VERSION;
    this.functionName = environment.AWS_LAMBDA_FUNCTION_NAME;
    this.memoryLimitInMB = environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
    this.logGroupName = environment.AWS_LAMBDA_LOG_GROUP_NAME;
    this.logStreamName = environment.AWS_LAMBDA_LOG_STREAM_NAME;
    this.clientContext = parse(headers["lambda-runtime-client-context"], "ClientContext");
    this.identity = parse(headers["lambda-runtime-cognito-identity"], "CognitoIdentity");
    this.invokedFunctionArn = headers["lambda-runtime-invoked-function-arn"];
    this.awsRequestId = headers["lambda-runtime-aws-request-id"];
    this.tenantId = headers["lambda-runtime-aws-tenant-id"];
    // An own property, so that a spread copy of the context keeps it.
    this.getRemainingTimeInMillis = () => Math.max(0, this.#deadline - Date.now());
  }
}

module.exports = { Context };
