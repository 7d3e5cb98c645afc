"use strict";
// Finds and loads the function's handler: CommonJS or ES module, nested folders, nested names.

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { named } = require("./errors.js");

function split(handler) {
  if (handler.includes("..")) {
    throw named("Runtime.MalformedHandlerName", `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const folder = path.dirname(handler);
  const match = /^([^.]+)\.(.+)$/.exec(path.basename(handler));
  if (!match) throw named("Runtime.MalformedHandlerName", "Bad handler");
  return { folder, module: match[1], names: match[2].split(".") };
}

/** Whether the nearest package.json, up to the function's root, makes `.js` files ES modules. */
function isModuleFolder(folder, root) {
  for (let at = folder; at.startsWith(root); at = path.dirname(at)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(at, "package.json"), "utf8")).type === "module";
    } catch (error) {
      if (error.code !== "ENOENT") return false;
    }
    if (at === path.dirname(at)) break;
  }
  return false;
}

function find(root, folder, module) {
  const base = path.resolve(root, folder, module);
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    const file = base + extension;
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  }
  try {
    return require.resolve(module, { paths: [root, path.resolve(root, folder)] });
  } catch {
    throw named("Runtime.ImportModuleError", `Error: Cannot find module '${module}'\nRequire stack:\n- /var/runtime/index.js`);
  }
}

async function loadModule(file, root) {
  try {
    const extension = path.extname(file);
    if (extension === ".mjs" || (extension === ".js" && isModuleFolder(path.dirname(file), root))) {
      return await import(pathToFileURL(file).href);
    }
    return require(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw renamed(error, "Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw renamed(error, "Runtime.ImportModuleError", `Error: ${error.message}`);
    }
    throw error;
  }
}

/** Lambda's name with the original place. */
function renamed(error, name, message) {
  const result = named(name, message);
  result.stack = `${name}: ${message}\n${String(error.stack ?? "").split("\n").slice(1).join("\n")}`;
  return result;
}

async function loadHandler(root, handler) {
  const { folder, module, names } = split(handler);
  const loaded = await loadModule(find(root, folder, module), path.resolve(root));
  // A CommonJS module that was imported shows what it exports under `default`.
  for (const start of [loaded, loaded?.default]) {
    const found = names.reduce((value, name) => value?.[name], start);
    if (found === undefined || found === null) continue;
    if (typeof found !== "function") throw named("Runtime.HandlerNotFound", `${handler} is not a function`);
    return found;
  }
  throw named("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
}

module.exports = { loadHandler, split };
