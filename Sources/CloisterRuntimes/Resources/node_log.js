"use strict";
// console.* as Lambda's Node.js runtime writes it: tab-separated text, or one JSON object a line.

const fs = require("node:fs");
const util = require("node:util");
const { describe, isError } = require("./errors.js");

const LEVELS = { trace: 1, debug: 2, info: 3, warn: 4, error: 5, fatal: 6 };
const current = { id: undefined, tenant: undefined };
let json = false;
let least = LEVELS.trace;
let descriptor;

/** A frame of the platform's log pipe: type, length, microseconds, message. */
function frame(level, message) {
  const text = Buffer.from(message, "utf8");
  const head = Buffer.alloc(16);
  head.writeUInt32BE((0xa55a0000 | (json ? 2 : 3) | (LEVELS[level] << 2)) >>> 0, 0);
  head.writeUInt32BE(text.length, 4);
  head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  fs.writeSync(descriptor, Buffer.concat([head, text]));
}

function emit(level, line) {
  if (descriptor !== undefined) return frame(level, line);
  // One event is one line on a plain pipe: carriage returns keep a message's lines together.
  process.stdout.write(line.replace(/\n/g, "\r") + "\n");
}

function record(level, values) {
  const fields = { timestamp: new Date().toISOString(), level: level.toUpperCase(), requestId: current.id };
  if (current.tenant !== undefined) fields.tenantId = current.tenant;
  if (values.length === 1 && !isError(values[0])) {
    fields.message = values[0];
    try {
      return JSON.stringify(fields);
    } catch {
      // Cycles, big integers: as text.
    }
  }
  fields.message = util.format(...values);
  const error = values.find(isError);
  if (error !== undefined) {
    const { errorType, errorMessage, trace } = describe(error);
    Object.assign(fields, { errorType, errorMessage, stackTrace: trace.slice(1) });
  }
  return JSON.stringify(fields);
}

function write(level, ...values) {
  if (LEVELS[level] < least) return;
  if (json) return emit(level, record(level, values));
  const head = `${new Date().toISOString()}\t${current.id}\t${level.toUpperCase()}\t`;
  emit(level, head + util.format(...values));
}

/** An error of the function's, for its log. */
function failure(title, error) {
  if (json) return write("error", error);
  const { errorType, errorMessage, trace } = describe(error);
  write("error", `${title} \t${JSON.stringify({ errorType, errorMessage, stack: trace })}`);
}

function begin(id, tenant) {
  current.id = id;
  current.tenant = tenant;
}

function install() {
  json = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
  const level = process.env.AWS_LAMBDA_LOG_LEVEL?.toLowerCase();
  if (json && LEVELS[level] !== undefined) least = LEVELS[level];
  if (process.env._LAMBDA_TELEMETRY_LOG_FD !== undefined) {
    descriptor = Number(process.env._LAMBDA_TELEMETRY_LOG_FD);
    delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  }
  console.log = (...values) => write("info", ...values);
  for (const name of Object.keys(LEVELS)) console[name] = (...values) => write(name, ...values);
}

module.exports = { install, begin, failure };
