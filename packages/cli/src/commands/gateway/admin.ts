import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { dataDirectoryPaths, readRunFile } from '@seaworthy/supervisor'
import { ConfigurationError, UnavailableError } from 'seaworthy/core'
import { type Arguments, dataDirOf, dataDirOption } from '../../arguments.ts'

const VARIABLE = 'SEAWORTHY_GATEWAY_CONFIG'
const DEFAULT_CONFIG = 'gateway.json'
/** The first shift of a route waits until a service has started and has its data. */
const TIMEOUT_MS = 60_000

export const configOption = { value: 'FILE', help: `the gateway's configuration (${VARIABLE}; gateway.json)` } as const

/** How a command finds a gateway that runs: by its configuration, or as that of a system that runs on a data directory. */
export const adminOptions = {
  config: configOption,
  'data-dir': dataDirOption,
  admin: { value: 'URL', help: "its admin API, where that is not at the configuration's address: http://HOST:PORT" },
  json: { help: 'prints what the gateway said as JSON' },
} as const

export function configOf({ values }: Arguments, env: NodeJS.ProcessEnv): string {
  return namedConfig(values, env) ?? DEFAULT_CONFIG
}

function namedConfig(values: Arguments['values'], env: NodeJS.ProcessEnv): string | undefined {
  const fromEnv = env[VARIABLE]
  return values['config'] ?? (fromEnv === undefined || fromEnv === '' ? undefined : fromEnv)
}

/**
 * Asks a gateway that runs, with the token that its configuration names.
 * @throws ConfigurationError when that does not say where it is; UnavailableError with what it said otherwise
 */
export async function askGateway<Answer>(args: Arguments, env: NodeJS.ProcessEnv, question: string, body?: object): Promise<Answer> {
  const { url, token } = await adminOf(args, env)
  const [method = 'GET', path = '/'] = question.split(' ')
  let answer: Response
  try {
    answer = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (cause) {
    throw new UnavailableError(`The gateway's admin API at ${url} does not answer. Does the gateway run?`, { cause })
  }
  const said = (await answer.json()) as Answer & { readonly detail?: string }
  if (!answer.ok) throw new UnavailableError(said.detail ?? `The gateway answered ${answer.status}.`)
  return said
}

interface Admin {
  readonly url: string
  readonly token: string
}

async function adminOf(args: Arguments, env: NodeJS.ProcessEnv): Promise<Admin> {
  const named = namedConfig(args.values, env)
  if (named === undefined && (args.values['data-dir'] !== undefined || !existsSync(DEFAULT_CONFIG))) return adminOfSystem(args, env)
  return adminByConfig(named ?? DEFAULT_CONFIG, args)
}

/** The gateway of the system that runs on a data directory. */
async function adminOfSystem(args: Arguments, env: NodeJS.ProcessEnv): Promise<Admin> {
  const paths = dataDirectoryPaths(resolve(dataDirOf(args, env)))
  const gateway = readRunFile(paths.runFile)?.processes.find(({ role }) => role === 'gateway')
  if (typeof gateway?.adminUrl !== 'string') {
    throw new ConfigurationError(
      `No system with a gateway runs on ${paths.path}, and there is no ${DEFAULT_CONFIG} here. Start one, or name it by --data-dir DIR or --config FILE.`,
    )
  }
  return { url: args.values['admin'] ?? gateway.adminUrl, token: await readToken(join(paths.services, gateway.name, 'admin-token')) }
}

async function adminByConfig(path: string, args: Arguments): Promise<Admin> {
  // No more of it than is needed: what else it says is between it and the gateway.
  const { admin } = await readJson(path)
  const { port, host = '127.0.0.1', tokenFile } = (admin ?? {}) as { port?: unknown; host?: unknown; tokenFile?: unknown }
  if (typeof port !== 'number' || typeof host !== 'string' || typeof tokenFile !== 'string')
    throw new ConfigurationError(`${path} does not say where the admin API is: it has no admin with a port and a tokenFile.`)
  const token = await readToken(resolve(dirname(resolve(path)), tokenFile))
  return { url: args.values['admin'] ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`, token }
}

async function readToken(file: string): Promise<string> {
  const token = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigurationError(`The token of the admin API cannot be read from ${file}. The gateway makes it at its first start.`, {
      cause,
    })
  })
  return token.trim()
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new ConfigurationError(`The gateway's configuration ${path} cannot be read: ${String(cause)}. Name it by --config FILE.`, {
      cause,
    })
  }
}
