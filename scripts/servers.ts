import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ServerKind, serverKinds } from '../test/servers/server-kinds.ts'

/**
 * The servers that npm cannot bring, for a person or a CI who tests against them for longer than one command:
 * `npm run servers -- up [NAME …]` installs and starts them, empty, on free ports of loopback, and prints the
 * variables by which `npm run test:servers` finds them; `status` prints them again; `down` ends them, and their data is gone.
 * Without it, the tests start servers of their own.
 */
const FILE = join(import.meta.dirname, '../.seaworthy/servers.json')
const LOG = join(dirname(FILE), 'servers.log')

/** What runs: one process that has started all of them, and that they end with. */
interface Running {
  readonly pid: number
  readonly variables: Readonly<Record<string, string>>
}

const [command = '', ...names] = process.argv.slice(2)
switch (command) {
  case 'up':
    await up(names)
    break
  case 'down':
    await down()
    break
  case 'status':
    status()
    break
  case 'hold':
    await hold(chosen(names))
    break
  default:
    refuse(`Say up, down or status; after up, which of ${serverKinds.map(({ name }) => name).join(', ')}, or nothing for all.`)
}

async function up(wanted: readonly string[]): Promise<void> {
  const kinds = chosen(wanted)
  if (running() !== undefined) refuse('Servers are up already. See `status`, or end them by `down`.')
  // Before anything is started, and where a person sees it: this may take a while, or need something that is not here.
  for (const kind of kinds) await kind.install().catch((error: unknown) => refuse(String(error)))
  mkdirSync(dirname(FILE), { recursive: true })
  const log = openSync(LOG, 'w')
  const holder = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'hold', ...kinds.map(({ name }) => name)], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended = false
  holder.once('exit', () => (ended = true))
  while (running() === undefined) {
    if (ended) refuse(readFileSync(LOG, 'utf8'))
    await delay(50)
  }
  holder.unref()
  status()
}

/** Runs in the background until `down`. */
async function hold(kinds: readonly ServerKind[]): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  const servers = await Promise.all(kinds.map(async (kind) => ({ kind, server: await kind.start() })))
  const variables = Object.fromEntries(servers.map(({ kind, server }) => [kind.variable, server.url]))
  const record: Running = { pid: process.pid, variables }
  writeFileSync(FILE, JSON.stringify(record))
  const idle = setInterval(() => undefined, 60_000)
  await asked
  clearInterval(idle)
  await Promise.all(servers.map(({ server }) => server.stop()))
  rmSync(FILE, { force: true })
}

async function down(): Promise<void> {
  const record = running()
  if (record === undefined) {
    console.log('No servers are up.')
    return
  }
  process.kill(record.pid, 'SIGTERM')
  while (running() !== undefined) await delay(50)
  console.log('The servers have ended.')
}

function status(): void {
  const record = running()
  if (record === undefined) {
    console.log('No servers are up.')
    process.exitCode = 1
    return
  }
  for (const [variable, url] of Object.entries(record.variables)) console.log(`export ${variable}=${url}`)
}

function running(): Running | undefined {
  try {
    const record = JSON.parse(readFileSync(FILE, 'utf8')) as Running
    // After a restart of the machine, the number may be somebody else's.
    const command = execFileSync('ps', ['-p', String(record.pid), '-o', 'command='], { encoding: 'utf8' })
    return command.includes('servers.ts hold') ? record : undefined
  } catch {
    return undefined
  }
}

function chosen(wanted: readonly string[]): readonly ServerKind[] {
  for (const name of wanted) if (serverKinds.every((kind) => kind.name !== name)) refuse(`There is no server ${name} here.`)
  return wanted.length === 0 ? serverKinds : serverKinds.filter(({ name }) => wanted.includes(name))
}

function refuse(why: string): never {
  console.error(why)
  process.exit(1)
}
