// The extension without VS Code: `vscode` and its client are stand-ins, and the server is the real one, spoken to in its protocol.
// RATIFIED_LSP names the server's program; without it, it is looked for as the extension does.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { serverCommand } = require("../command");

const MODEL = `from ratified import Model, invariant


class Lamp(Model):
    on: bool

    @invariant
    def lit(self) -> int:
        return self.on
`;

/** A client of the protocol: requests by number, and what the server publishes. */
class Client {
  constructor(program) {
    this.process = spawn(program.command, program.args, { stdio: ["pipe", "pipe", "inherit"] });
    this.waiting = new Map();
    this.heard = [];
    this.buffer = Buffer.alloc(0);
    this.process.stdout.on("data", (more) => this.read(more));
  }

  read(more) {
    this.buffer = Buffer.concat([this.buffer, more]);
    for (;;) {
      const end = this.buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.buffer.subarray(0, end).toString())[1]);
      if (this.buffer.length < end + 4 + length) return;
      const message = JSON.parse(this.buffer.subarray(end + 4, end + 4 + length).toString());
      this.buffer = this.buffer.subarray(end + 4 + length);
      if (message.method === "textDocument/publishDiagnostics") {
        this.heard.shift()?.(message.params);
      } else if (message.id !== undefined && !message.method) {
        this.waiting.get(message.id)(message);
      }
    }
  }

  send(message) {
    const text = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  request(method, params) {
    const id = this.waiting.size + 1;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.send({ id, method, params });
    });
  }

  diagnostics() {
    return new Promise((resolve) => this.heard.push(resolve));
  }
}

test("the server that the extension starts says what is wrong with a model", async () => {
  const program = serverCommand([process.env.RATIFIED_LSP ?? "ratified-lsp"], 60, [process.cwd()]);
  const client = new Client(program);
  const made = await client.request("initialize", { processId: null, rootUri: null, capabilities: {} });
  assert.deepEqual(made.result.capabilities.executeCommandProvider.commands.sort(), [
    "ratified.check",
    "ratified.graph",
    "ratified.prove",
  ]);
  client.send({ method: "initialized", params: {} });
  const published = client.diagnostics();
  const uri = `file://${path.join(os.tmpdir(), "lamp.py")}`;
  client.send({
    method: "textDocument/didOpen",
    params: { textDocument: { uri, languageId: "python", version: 1, text: MODEL } },
  });
  const [diagnostic, ...others] = (await published).diagnostics;
  assert.deepEqual(others, []);
  assert.equal(diagnostic.message, "an invariant returns bool\nwrite `-> bool`");
  assert.deepEqual(diagnostic.range, { start: { line: 7, character: 21 }, end: { line: 7, character: 24 } });
  await client.request("shutdown");
  client.send({ method: "exit" });
  assert.equal(await new Promise((resolve) => client.process.on("exit", resolve)), 0);
});

test("a program without a folder is that of the workspace's .venv, if it has one", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "workspace-"));
  assert.deepEqual(serverCommand(["ratified-lsp"], 5, [folder]), { command: "ratified-lsp", args: ["--seconds", "5"] });
  const program = path.join(folder, ".venv", "bin", "ratified-lsp");
  fs.mkdirSync(path.dirname(program), { recursive: true });
  fs.writeFileSync(program, "");
  assert.equal(serverCommand(["ratified-lsp"], 5, [folder]).command, program);
  assert.equal(serverCommand(["/opt/ratified-lsp"], 5, [folder]).command, "/opt/ratified-lsp");
  assert.throws(() => serverCommand([], 5, []), /ratified.command is empty/);
});

/** Load the extension with stand-ins for what only VS Code has. */
function loaded(documents, starts) {
  const said = { errors: [], saved: [], clients: [], commands: new Map() };
  const stands = {
    vscode: {
      workspace: {
        getConfiguration: () => ({ get: (name) => ({ command: ["ratified-lsp"], seconds: 10 })[name] }),
        workspaceFolders: undefined,
        textDocuments: documents,
      },
      window: { showErrorMessage: (text) => said.errors.push(text) },
      commands: { registerCommand: (name, run) => said.commands.set(name, run) },
    },
    "vscode-languageclient/node": {
      LanguageClient: class {
        constructor(_id, _name, server, options) {
          Object.assign(this, { server, options, running: false });
          said.clients.push(this);
        }
        async start() {
          if (!starts) throw new Error("no such program");
          this.running = true;
        }
        async stop() {
          this.running = false;
        }
        isRunning() {
          return this.running;
        }
      },
    },
  };
  const load = Module._load;
  Module._load = (name, ...rest) => stands[name] ?? load(name, ...rest);
  delete require.cache[require.resolve("../extension")];
  try {
    return { extension: require("../extension"), said };
  } finally {
    Module._load = load;
  }
}

test("it starts the server, saves before a check, restarts and stops", async () => {
  const dirty = { uri: "file:///lock.py", isDirty: true, save: async () => (dirty.isDirty = false) };
  const { extension, said } = loaded([dirty], true);
  const context = { subscriptions: [] };
  await extension.activate(context);
  const [client] = said.clients;
  assert.deepEqual(client.server, { command: "ratified-lsp", args: ["--seconds", "10"] });
  const ran = await client.options.middleware.executeCommand("ratified.check", ["file:///lock.py", "Lock"], (...all) => [
    all,
    dirty.isDirty,
  ]);
  assert.deepEqual(ran, [["ratified.check", ["file:///lock.py", "Lock"]], false]);
  await said.commands.get("ratified.restart")();
  assert.equal(said.clients.length, 2);
  assert.equal(client.running, false);
  await extension.deactivate();
  assert.equal(said.clients[1].running, false);
});

test("a server that does not start is one message that says what to do", async () => {
  const { extension, said } = loaded([], false);
  await extension.activate({ subscriptions: [] });
  assert.deepEqual(said.errors, [
    "The language server does not start: no such program. Install Ratified with its extra \"editor\" " +
      "into the workspace's .venv, or set ratified.command.",
  ]);
  await extension.deactivate();
});

test("the commands of the manifest are those of the extension", async () => {
  const manifest = JSON.parse(fs.readFileSync(path.join(__dirname, "..", "package.json"), "utf8"));
  const { extension, said } = loaded([], true);
  await extension.activate({ subscriptions: [] });
  assert.deepEqual(manifest.contributes.commands.map((c) => c.command), [...said.commands.keys()]);
  assert.equal(manifest.capabilities.untrustedWorkspaces.supported, false);
});
