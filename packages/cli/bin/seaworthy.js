#!/usr/bin/env node
// Starts the command: from the published files, or, in a checkout, from the TypeScript sources, which need Node 24 and its own flags.
// Plain JavaScript for Node 20, because npx runs it with whatever Node the PATH has.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, '../src/main.ts')
const published = join(here, '../dist/main.js')
const isCheckout = existsSync(source)

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const suffices = isCheckout ? major >= 24 : major > 22 || (major === 22 && minor >= 15)

if (suffices && !isCheckout) await import('../dist/main.js')
else {
  const node = suffices ? process.execPath : nodeBeside(here)
  if (node === undefined) {
    console.error(`seaworthy needs Node ${isCheckout ? 24 : '22.15'} or newer, and this is ${process.version}.`)
    console.error(isCheckout ? 'Run node scripts/bootstrap.mjs in the checkout, which installs it.' : 'Install it from nodejs.org.')
    process.exit(1)
  }
  const flags = isCheckout ? ['--disable-warning=ExperimentalWarning', '--conditions=source', source] : [published]
  // The command ends when this process does, by any signal: told by the variable, it watches its parent.
  const env = { ...process.env, SEAWORTHY_LAUNCHER: String(process.pid) }
  const child = spawn(node, [...flags, ...process.argv.slice(2)], { stdio: 'inherit', env })
  const parent = process.ppid
  const watch = setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 500)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`${node} could not be started: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    clearInterval(watch)
    process.exit(code ?? (signal === null ? 1 : 130))
  })
}

/** The Node that was installed as a package, in a node_modules of a folder above. */
function nodeBeside(folder) {
  for (let at = folder; ; at = dirname(at)) {
    const node = join(at, 'node_modules/.bin/node')
    if (existsSync(node)) return node
    if (at === dirname(at)) return undefined
  }
}
