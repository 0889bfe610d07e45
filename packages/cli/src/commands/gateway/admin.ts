import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigurationError, UnavailableError } from 'seaworthy/core'
import type { Arguments } from '../../arguments.ts'

const VARIABLE = 'SEAWORTHY_GATEWAY_CONFIG'
const TIMEOUT_MS = 10_000

export const configOption = { value: 'FILE', help: `the gateway's configuration (${VARIABLE}; gateway.json)` } as const

/** How a command finds a gateway that runs. */
export const adminOptions = {
  config: configOption,
  admin: { value: 'URL', help: "its admin API, where that is not at the configuration's address: http://HOST:PORT" },
  json: { help: 'prints what the gateway said as JSON' },
} as const

export function configOf({ values }: Arguments, env: NodeJS.ProcessEnv): string {
  const fromEnv = env[VARIABLE]
  return values['config'] ?? (fromEnv === undefined || fromEnv === '' ? 'gateway.json' : fromEnv)
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

async function adminOf(args: Arguments, env: NodeJS.ProcessEnv): Promise<{ readonly url: string; readonly token: string }> {
  const path = configOf(args, env)
  // No more of it than is needed: what else it says is between it and the gateway.
  const { admin } = await readJson(path)
  const { port, host = '127.0.0.1', tokenFile } = (admin ?? {}) as { port?: unknown; host?: unknown; tokenFile?: unknown }
  if (typeof port !== 'number' || typeof host !== 'string' || typeof tokenFile !== 'string')
    throw new ConfigurationError(`${path} does not say where the admin API is: it has no admin with a port and a tokenFile.`)
  const file = resolve(dirname(resolve(path)), tokenFile)
  const token = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigurationError(`The token of the admin API cannot be read from ${file}. The gateway makes it at its first start.`, {
      cause,
    })
  })
  return { url: args.values['admin'] ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`, token: token.trim() }
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
