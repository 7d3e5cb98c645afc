"use strict";
// Entry of the Node.js runtime client: one invocation at a time, for as long as the process lives.

const { Client } = require("./client.js");
const { Context } = require("./context.js");
const { describe, UnhandledPromiseRejection } = require("./errors.js");
const { isStreaming, defineGlobals } = require("./streaming.js");
const { loadHandler } = require("./loader.js");
const { invokeBuffered } = require("./buffered.js");
const { invokeStreaming } = require("./streaming.js");
const log = require("./log.js");

const client = new Client(process.env.AWS_LAMBDA_RUNTIME_API);
let current = null;

/** After an error that no handler can be asked about, the process ends: its state is unknown. */
function crash(error) {
  log.failure("Uncaught Exception", error);
  const id = current?.id;
  const posted = id === undefined ? client.initError(describe(error)) : client.error(id, describe(error));
  posted.catch(() => {}).finally(() => process.exit(id === undefined ? 1 : 129));
}

async function invoke(handler, next) {
  const id = next.headers["lambda-runtime-aws-request-id"];
  current = { id };
  log.begin(id, next.headers["lambda-runtime-aws-tenant-id"]);
  const trace = next.headers["lambda-runtime-trace-id"];
  if (trace === undefined) delete process.env._X_AMZN_TRACE_ID;
  else process.env._X_AMZN_TRACE_ID = trace;
  const run = isStreaming(handler) ? invokeStreaming : invokeBuffered;
  await run(client, handler, next, () => new Context(next.headers));
}

async function main() {
  // V8 sizes its heap by the host's memory, not by the function's.
  const memory = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  if (memory > 0) require("node:v8").setFlagsFromString(`--max-old-space-size=${Math.floor(memory * 0.9)}`);
  log.install();
  defineGlobals();
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", (reason, promise) => crash(new UnhandledPromiseRejection(reason, promise)));
  const handler = await loadHandler(process.env.LAMBDA_TASK_ROOT ?? "/var/task", process.env._HANDLER ?? "");
  for (;;) await invoke(handler, await client.next());
}

main().catch(crash);
