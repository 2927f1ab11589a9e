// Which program is the language server. Knows nothing of VS Code, so that it can be tried without it.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

/**
 * The program and its arguments. A name without a folder is taken from the `.venv` of a workspace folder, if one has it.
 *
 * @param {string[]} command what is configured
 * @param {number} seconds how long importing a file may take
 * @param {string[]} folders the folders of the workspace
 */
function serverCommand(command, seconds, folders) {
  const [program, ...rest] = command;
  if (!program) {
    throw new Error("ratified.command is empty: give the program, for example [\"ratified-lsp\"]");
  }
  const beside = path.basename(program) === program ? folders.map((f) => path.join(f, ".venv", "bin", program)) : [];
  return { command: beside.find((file) => fs.existsSync(file)) ?? program, args: [...rest, "--seconds", String(seconds)] };
}

module.exports = { serverCommand };
