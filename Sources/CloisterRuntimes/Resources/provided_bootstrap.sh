#!/bin/sh
# Starts the function's own runtime. Without one it ends with status 127 and Lambda's text.
for file in "${LAMBDA_TASK_ROOT:-/var/task}/bootstrap" /opt/bootstrap; do
    if [ -f "$file" ] && [ -x "$file" ]; then
        exec "$file"
    fi
done
echo "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]" >&2
exit 127
