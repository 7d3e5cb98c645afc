#!/bin/sh
# Starts the Node.js runtime client, through the function's wrapper script where it has one.
: "${NODE_PATH=/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules}"
export NODE_PATH
if [ -n "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
    exec "$AWS_LAMBDA_EXEC_WRAPPER" /usr/bin/node --max-http-header-size=81920 /var/runtime/index.js
fi
exec /usr/bin/node --max-http-header-size=81920 /var/runtime/index.js
