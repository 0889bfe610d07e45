import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { DataDirectoryPaths } from '../data-directory.ts'
import { ConfigurationError, SeaworthyError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'

/** Where a gateway is asked, and the file whose content shows that one may. */
export interface GatewayAdmin {
  readonly url: string
  readonly tokenFile: string
}

export interface AdminQuestion {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  readonly signal: AbortSignal
}

/**
 * Asks a gateway that runs.
 * @throws ConfigurationError when its token cannot be read; UnavailableError when it does not answer; UnknownOutcomeError when it may have done what it was told; what it
 * says otherwise, as a SeaworthyError with its code
 */
export async function askGatewayAdmin<Answer>({ url, tokenFile }: GatewayAdmin, question: AdminQuestion): Promise<Answer> {
  const { method, path, body, signal } = question
  const token = await readFile(tokenFile, 'utf8').catch((cause: unknown) => {
    throw new ConfigurationError(`The token of the admin API cannot be read from ${tokenFile}. The gateway makes it at its first start.`, {
      cause,
    })
  })
  let answer: Response
  try {
    answer = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // The token is for this address alone.
      redirect: 'error',
      signal,
    })
  } catch (cause) {
    // What was never let in changed nothing; anything else may have.
    if (method === 'POST' && (cause as { readonly cause?: { readonly code?: string } }).cause?.code !== 'ECONNREFUSED')
      throw new UnknownOutcomeError(`The gateway at ${url} did not say what became of it. Look at its ledger.`, { cause })
    throw new UnavailableError(`The gateway's admin API at ${url} does not answer. Does the gateway run?`, { cause })
  }
  const said = (await answer.json().catch(() => ({}))) as Answer & { readonly detail?: string; readonly code?: string }
  if (answer.ok) return said
  throw new SeaworthyError(said.code ?? 'unavailable', said.detail ?? `The gateway at ${url} answered ${answer.status}.`, {
    executed: executedBy(answer.headers.get('x-seaworthy-executed')),
  })
}

function executedBy(said: string | null): SeaworthyError['executed'] {
  return said === 'yes' || said === 'maybe' ? said : 'no'
}

/** Where the gateway of a system that a supervisor runs has its token: in its own folder of the data directory. */
export function supervisedTokenFile({ services }: Pick<DataDirectoryPaths, 'services'>, gateway: string): string {
  return join(services, gateway, 'admin-token')
}

/** Where a gateway's own file says that it is. No more is read of it: what else it says is between it and the gateway. @throws ConfigurationError */
export async function gatewayAdminOf(configFile: string): Promise<GatewayAdmin> {
  const { admin } = await readJson(configFile)
  const { port, host = '127.0.0.1', tokenFile } = (admin ?? {}) as { port?: unknown; host?: unknown; tokenFile?: unknown }
  if (typeof port !== 'number' || typeof host !== 'string' || typeof tokenFile !== 'string')
    throw new ConfigurationError(`${configFile} does not say where the admin API is: it has no admin with a port and a tokenFile.`)
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tokenFile: resolve(dirname(resolve(configFile)), tokenFile),
  }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {}
  } catch (cause) {
    throw new ConfigurationError(`The gateway's configuration ${path} cannot be read: ${String(cause)}. Name it by --config FILE.`, {
      cause,
    })
  }
}
