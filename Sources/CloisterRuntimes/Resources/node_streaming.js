"use strict";
// Response streaming: `awslambda.streamifyResponse` and `awslambda.HttpResponseStream`.

const { describe, named } = require("./errors.js");
const log = require("./log.js");

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HTTP_TYPE = "application/vnd.awslambda.http-integration-response";

function isStreaming(handler) {
  return handler[STREAMING] !== undefined;
}

class HttpResponseStream {
  /** Puts an HTTP status, headers and cookies before the body: JSON, then eight zero bytes. */
  static from(stream, metadata) {
    stream.setContentType(HTTP_TYPE);
    stream.write(JSON.stringify(metadata ?? {}));
    stream.write(Buffer.alloc(8));
    return stream;
  }
}

function defineGlobals() {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = "response";
      if (options?.highWaterMark !== undefined) handler.highWaterMark = Number(options.highWaterMark);
      return handler;
    },
    HttpResponseStream,
  };
}

/** Settles when the platform has taken the whole response. */
function open(client, id) {
  const stream = client.stream(id);
  stream.setContentType = (type) => stream.setHeader("Content-Type", type);
  stream.taken = new Promise((resolve, reject) => {
    stream.on("response", (answer) => {
      answer.resume();
      answer.on("end", resolve);
    });
    stream.on("error", reject);
  });
  stream.taken.catch(() => {});
  return stream;
}

/** Resolves when the handler is through; rejects where the event loop becomes empty before that. */
function run(handler, event, stream, context) {
  return new Promise((resolve, reject) => {
    const empty = () => reject(named("Runtime.StreamNotEnded", "The handler ended without ending its response stream"));
    process.once("beforeExit", empty);
    const finished = Promise.resolve().then(() => handler(event, stream, context)).then(() => ended(stream));
    finished.then(resolve, reject).finally(() => process.removeListener("beforeExit", empty));
  });
}

function ended(stream) {
  return stream.writableFinished ? undefined : new Promise((resolve, reject) => {
    stream.once("finish", resolve);
    stream.once("error", reject);
  });
}

async function invokeStreaming(client, handler, next, makeContext) {
  const id = next.headers["lambda-runtime-aws-request-id"];
  let stream;
  try {
    const context = makeContext();
    stream = open(client, id);
    await run(handler, JSON.parse(next.body.toString("utf8")), stream, context);
  } catch (error) {
    log.failure("Invoke Error", error);
    return fail(client, id, stream, describe(error));
  }
  return stream.taken;
}

/** Before the first byte an error is an ordinary one; after it, it goes into the trailers. */
function fail(client, id, stream, error) {
  if (stream === undefined || !stream.headersSent) {
    stream?.destroy();
    return client.error(id, error);
  }
  stream.addTrailers({
    "Lambda-Runtime-Function-Error-Type": client.errorHeaders(error)["Lambda-Runtime-Function-Error-Type"],
    "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(error)).toString("base64"),
  });
  stream.end();
  return stream.taken;
}

module.exports = { isStreaming, defineGlobals, invokeStreaming };
