// The language server in VS Code: starts it, saves a file before it is checked, and shows what it says.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { serverCommand } = require("./command");

let client;

async function start() {
  const settings = vscode.workspace.getConfiguration("ratified");
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  client = new LanguageClient(
    "ratified",
    "Ratified",
    serverCommand(settings.get("command"), settings.get("seconds"), folders),
    {
      documentSelector: [{ scheme: "file", language: "python" }, { scheme: "untitled", language: "python" }],
      middleware: {
        // What is checked is the file, so that what it says can be found again on the command line.
        executeCommand: async (command, args, next) => {
          const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === args[0]);
          if (open?.isDirty) {
            await open.save();
          }
          return next(command, args);
        },
      },
    },
  );
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `The language server does not start: ${error.message}. Install Ratified with its extra "editor" ` +
        "into the workspace's .venv, or set ratified.command.",
    );
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running?.isRunning()) {
    await running.stop();
  }
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("ratified.restart", async () => {
      await stop();
      await start();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
