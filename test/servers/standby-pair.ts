import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { freePort } from './server-process.ts'

/** A PostgreSQL whose commits wait until its standby has applied them. Of the system's packages: what npm brings has no pg_basebackup. */
export interface StandbyPair {
  /** Of the primary, as the superuser. */
  readonly url: string
  /** Of the standby, for `pg_wal_replay_pause()`. */
  readonly standbyUrl: string
  /** Runs SQL on the primary by psql. */
  readonly psql: (sql: string) => string
  /** Ends both at once and removes their data. */
  readonly stop: () => Promise<void>
}

// Ends the server when its input closes: by `stop`, or because this process died.
const KEEPER = '"$@" & pid=$!; read -r _; kill -QUIT $pid; wait $pid'
const READY_MS = 60_000

/** @throws Error where the system has no PostgreSQL: install it, as in `apt-get install postgresql` */
export async function startStandbyPair(): Promise<StandbyPair> {
  const bin = globSync('/usr/lib/postgresql/*/bin').toSorted().at(-1)
  if (bin === undefined || !existsSync(join(bin, 'pg_basebackup'))) {
    throw new Error('There is no PostgreSQL of the system in /usr/lib/postgresql. Install it: apt-get install postgresql.')
  }
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-standby-'))
  // PostgreSQL refuses to run as root.
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  const account = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : undefined
  if (account !== undefined) chownSync(directory, account.uid, account.gid)
  const run = (program: string, args: readonly string[]) =>
    execFileSync(join(bin, program), args, { ...account, cwd: directory, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  const running: (() => Promise<void>)[] = []
  const launch = async (data: string, port: number, settings: Readonly<Record<string, string>>) => {
    const all = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', ...settings }
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const keeper = spawn('/bin/sh', ['-c', KEEPER, 'sh', join(bin, 'postgres'), '-D', data, ...flags], {
      ...account,
      cwd: directory,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    const exited = new Promise<void>((resolve) => void keeper.once('exit', () => resolve()))
    running.unshift(async () => {
      keeper.stdin.end()
      await exited
    })
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    await untilReady(url)
    return url
  }
  const stop = async () => {
    for (const end of running) await end()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const [primaryData, standbyData] = [join(directory, 'primary'), join(directory, 'standby')]
    mkdirSync(primaryData)
    if (account !== undefined) chownSync(primaryData, account.uid, account.gid)
    run('initdb', ['-D', primaryData, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync'])
    const [port, standbyPort] = [await freePort(), await freePort()]
    const url = await launch(primaryData, port, { wal_level: 'logical' })
    const address = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']
    run('pg_basebackup', ['-D', standbyData, ...address, '-R', '--no-sync', '--checkpoint=fast'])
    const primary_conninfo = `host=127.0.0.1 port=${port} user=postgres application_name=standby`
    const standbyUrl = await launch(standbyData, standbyPort, { primary_conninfo, wal_level: 'logical' })
    const psql = (sql: string) => run('psql', [...address, '-d', 'postgres', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql])
    // By its name: `*` would take a session of logical replication for a standby too, and its word for that of the standby.
    psql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    psql("ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
    psql('SELECT pg_reload_conf()')
    return { url, standbyUrl, psql, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + READY_MS
  for (;;) {
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
