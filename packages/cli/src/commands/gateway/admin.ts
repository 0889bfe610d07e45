import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { dataDirectoryPaths, readRunFile } from '@seaworthy/supervisor'
import {
  type AdminQuestion,
  askGatewayAdmin,
  type GatewayAdmin,
  gatewayAdminOf,
  supervisedTokenFile,
} from '@seaworthy/supervisor/gateway-admin'
import { ConfigurationError } from 'seaworthy/core'
import { type Arguments, dataDirOf, dataDirOption, urlOf } from '../../arguments.ts'

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

/** Asks a gateway that runs. @throws ConfigurationError when nothing says where it is; what the gateway says, as a SeaworthyError */
export async function askGateway<Answer>(
  args: Arguments,
  env: NodeJS.ProcessEnv,
  question: `${AdminQuestion['method']} ${string}`,
  body?: object,
): Promise<Answer> {
  const [method, path = '/'] = question.split(' ') as [AdminQuestion['method'], string?]
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  return askGatewayAdmin(await adminOf(args, env), { method, path, signal, ...(body !== undefined && { body }) })
}

async function adminOf(args: Arguments, env: NodeJS.ProcessEnv): Promise<GatewayAdmin> {
  const named = namedConfig(args.values, env)
  const isOfSystem = named === undefined && (args.values['data-dir'] !== undefined || !existsSync(DEFAULT_CONFIG))
  const found = isOfSystem ? adminOfSystem(dataDirOf(args, env)) : await gatewayAdminOf(named ?? DEFAULT_CONFIG)
  return { ...found, url: urlOf(args, 'admin')?.href ?? found.url }
}

/** The gateway of the system that runs on a data directory. */
function adminOfSystem(dataDir: string): GatewayAdmin {
  const paths = dataDirectoryPaths(resolve(dataDir))
  const gateway = readRunFile(paths.runFile)?.processes.find(({ role }) => role === 'gateway')
  if (typeof gateway?.adminUrl !== 'string') {
    throw new ConfigurationError(
      `No system with a gateway runs on ${paths.path}, and there is no ${DEFAULT_CONFIG} here. Start one, or name it by --data-dir DIR or --config FILE.`,
    )
  }
  return { url: gateway.adminUrl, tokenFile: supervisedTokenFile(paths, gateway.name) }
}
