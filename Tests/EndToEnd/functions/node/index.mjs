export const handler = async (event) => {
  if (event.fail) throw new Error(event.fail);
  return { event, version: process.version };
};

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export const stream = awslambda.streamifyResponse(async (event, out) => {
  for (let number = 0; number < event.parts; number++) {
    out.write(`part ${number}\n`);
    await sleep(event.pause);
  }
  out.end();
});

export const large = awslambda.streamifyResponse(async (event, out) => {
  const part = Buffer.alloc(64 << 10, "x");
  for (let sent = 0; sent < event.bytes; sent += part.length) {
    if (!out.write(part)) await new Promise((done) => out.once("drain", done));
  }
  out.end();
});
