"use strict";
// Errors as Lambda's Node.js runtime tells them.

class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(String(reason));
    this.name = "Runtime.UnhandledPromiseRejection";
    this.reason = reason;
    this.promise = promise;
  }
}

/** An error whose name becomes the `errorType`. */
function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

function isError(value) {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** What the invoker gets. */
function describe(value) {
  try {
    if (isError(value)) {
      return { errorType: value.name, errorMessage: value.message, trace: String(value.stack ?? "").split("\n") };
    }
    return { errorType: typeof value, errorMessage: String(value), trace: [] };
  } catch {
    // Getters of a thrown object may throw themselves.
    return { errorType: "handled", errorMessage: "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack", trace: [] };
  }
}

module.exports = { UnhandledPromiseRejection, named, isError, describe };
