"use strict";
// The Runtime API 2018-06-01 as this client speaks it.

const http = require("node:http");

const BASE = "/2018-06-01/runtime";

class Client {
  constructor(address) {
    if (!address) throw new Error("AWS_LAMBDA_RUNTIME_API is not set");
    const colon = address.lastIndexOf(":");
    this.host = colon < 0 ? address : address.slice(0, colon);
    this.port = colon < 0 ? 80 : Number(address.slice(colon + 1));
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
  }

  /** Waits for the next invocation, without limit. */
  async next() {
    const answer = await this.send("GET", "/invocation/next", {}, null);
    if (answer.status !== 200) throw new Error(`Next invocation: HTTP status ${answer.status}`);
    this.invocation = answer.headers["lambda-runtime-invocation-id"];
    return answer;
  }

  async response(id, body, type = "application/json") {
    const answer = await this.send("POST", `/invocation/${id}/response`, { "Content-Type": type }, body);
    // Too large, say: the platform has answered the caller, and this environment can't go on.
    if (answer.status >= 300) {
      process.stderr.write(`Runtime API refused the response: ${answer.status}\n`);
      process.exit(1);
    }
  }

  async error(id, error) {
    await this.send("POST", `/invocation/${id}/error`, this.errorHeaders(error), JSON.stringify(error));
  }

  async initError(error) {
    await this.send("POST", "/init/error", this.errorHeaders(error), JSON.stringify(error));
  }

  errorHeaders(error) {
    // A header takes neither line breaks nor characters beyond Latin-1; the body has the type as it is.
    const type = String(error.errorType).replace(/[^\x20-\x7e]/g, "?").slice(0, 256);
    return { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": type };
  }

  /** Opens a streamed response; the caller writes to what this returns, and ends it. */
  stream(id) {
    const request = http.request(this.options("POST", `/invocation/${id}/response`, {
      "Content-Type": "application/octet-stream",
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Transfer-Encoding": "chunked",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    }, false));
    return request;
  }

  options(method, path, headers, agent = this.agent) {
    if (this.invocation !== undefined && method === "POST") headers["Lambda-Runtime-Invocation-Id"] = this.invocation;
    headers["User-Agent"] = `cloister-nodejs/${process.versions.node}`;
    return { host: this.host, port: this.port, method, path: BASE + path, headers, agent };
  }

  send(method, path, headers, body) {
    return new Promise((resolve, reject) => {
      if (body !== null) headers["Content-Length"] = Buffer.byteLength(body);
      const request = http.request(this.options(method, path, headers), (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) });
        });
      });
      request.on("error", reject);
      request.end(body ?? undefined);
    });
  }
}

module.exports = { Client };
