#!/usr/bin/env node
// The library has no dependencies, and the command does: it lives in @seaworthy/cli and is run from here when that is installed.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const places = [pathToFileURL(join(process.cwd(), 'package.json')), import.meta.url]
let command
for (const place of places) {
  try {
    command ??= join(createRequire(place).resolve('@seaworthy/cli/package.json'), '../bin/seaworthy.js')
  } catch {
    // It is not installed for this place; the next one may see it.
  }
}
if (command !== undefined) await import(pathToFileURL(command).href)
else {
  console.error('The seaworthy command is a package of its own. Install it:\n\n  npm install --save-dev @seaworthy/cli\n')
  process.exitCode = 1
}
