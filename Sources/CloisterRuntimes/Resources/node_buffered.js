"use strict";
// Handlers that answer once: async functions, and functions with a callback.

const { describe, named } = require("./errors.js");
const log = require("./log.js");

/**
 * Settles with what the handler answers. A callback's answer waits until the event loop is empty, unless the context
 * says otherwise; an event loop that becomes empty without an answer answers null.
 */
function answer(handler, event, context) {
  return new Promise((resolve, reject) => {
    let whenEmpty = () => resolve(null);
    const empty = () => whenEmpty();
    process.on("beforeExit", empty);
    const settle = (act, value) => {
      process.removeListener("beforeExit", empty);
      act(value);
    };
    const finish = (error, value) => {
      const failed = error !== undefined && error !== null;
      const act = () => settle(failed ? reject : resolve, failed ? error : value);
      if (failed || !context.callbackWaitsForEmptyEventLoop) setImmediate(act);
      else whenEmpty = act;
    };
    whenEmpty = () => settle(resolve, null);
    context.done = finish;
    context.succeed = (value) => settle(resolve, value);
    context.fail = (error) => settle(reject, error ?? named("handled", "null"));
    try {
      const returned = handler(event, context, finish);
      if (typeof returned?.then === "function") {
        returned.then((value) => settle(resolve, value), (error) => settle(reject, error));
      }
    } catch (error) {
      settle(reject, error);
    }
  });
}

function encode(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch {
    throw named("Runtime.MarshalError", "Unable to stringify response body");
  }
}

async function invokeBuffered(client, handler, next, makeContext) {
  const id = next.headers["lambda-runtime-aws-request-id"];
  let body;
  try {
    const context = makeContext();
    body = encode(await answer(handler, JSON.parse(next.body.toString("utf8")), context));
  } catch (error) {
    log.failure("Invoke Error", error);
    return client.error(id, describe(error));
  }
  return client.response(id, body);
}

module.exports = { invokeBuffered };
