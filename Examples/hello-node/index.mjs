let invocations = 0;

export const handler = async (event, context) => {
  invocations += 1;
  console.log("invocation", invocations);
  return { message: `Hello, ${event.name ?? "world"}`, invocations, tenant: context.tenantId ?? null };
};
