import { dirname } from 'node:path'
import { dataDirectoryPaths } from '@seaworthy/supervisor'
import {
  askGatewayAdmin,
  type GatewayAdmin,
  gatewayAdminOf,
  type GatewayOverview,
  type LedgerEntry,
  type RollbackRequest,
  type ShiftRequest,
  supervisedTokenFile,
} from '@seaworthy/supervisor/gateway-admin'
import { type Clock, NotFoundError, systemClock } from 'seaworthy/core'
import { shared, whoAsks } from './asking.ts'
import type { RunState } from './run-file.ts'

/** How the routes of one gateway stand, as `GET /api/gateways` shows it. */
export interface ShownGateway {
  readonly name: string
  /** Null while it does not answer. */
  readonly overview: GatewayOverview | null
  /** Why it does not. */
  readonly problem: string | null
}

/** What gateways say of their routes, and what people decide about them. Whoever has a gateway's token may do so; it goes no further than this process. */
export interface Gateways {
  all(): Promise<readonly ShownGateway[]>
  /** @throws NotFoundError, InvalidInputError, ConflictError, UnavailableError, UnknownOutcomeError */
  shift(gateway: string, request: Omit<ShiftRequest, 'who'>): Promise<LedgerEntry>
  /** @throws as {@link shift} */
  rollBack(gateway: string, request: Omit<RollbackRequest, 'who'>): Promise<{ readonly entries: readonly LedgerEntry[] }>
}

const ANSWER_TIMEOUT_MS = 3_000
/** A shift may have to wait for a service to start, and for the copy of its data. */
const CHANGE_TIMEOUT_MS = 90_000
const SHARED_MS = 1_000

/** Asks the gateways that a supervisor started, and those whose files are named. `run` tells which there are. */
export function adminGateways(options: {
  readonly runFile: string | undefined
  readonly run: () => Promise<RunState>
  readonly files: ReadonlyMap<string, string>
  readonly clock?: Clock
}): Gateways {
  const { runFile, run, files, clock = systemClock } = options

  /** Where each is, by its name. One whose file is named is looked up when it is asked: the file may change. */
  async function known(): Promise<ReadonlyMap<string, () => Promise<GatewayAdmin>>> {
    const { processes } = await run()
    const supervised = processes.flatMap(({ name, adminUrl }) =>
      adminUrl === null || runFile === undefined
        ? []
        : [[name, async () => ({ url: adminUrl, tokenFile: supervisedTokenFile(dataDirectoryPaths(dirname(runFile)), name) })] as const],
    )
    return new Map([...Array.from(files, ([name, file]) => [name, () => gatewayAdminOf(file)] as const), ...supervised])
  }

  async function of(name: string, admin: () => Promise<GatewayAdmin>): Promise<ShownGateway> {
    try {
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
      return { name, overview: await askGatewayAdmin(await admin(), { method: 'GET', path: '/overview', signal }), problem: null }
    } catch (error) {
      return { name, overview: null, problem: error instanceof Error ? error.message : String(error) }
    }
  }

  const everything = shared(async () => Promise.all(Array.from(await known(), ([name, admin]) => of(name, admin))), SHARED_MS, clock)

  async function change<Answer>(gateway: string, path: string, request: object): Promise<Answer> {
    const admin = (await known()).get(gateway)
    if (admin === undefined) throw new NotFoundError(`No gateway ${gateway} is known here.`)
    try {
      const body = { ...request, who: whoAsks() }
      return await askGatewayAdmin(await admin(), { method: 'POST', path, body, signal: AbortSignal.timeout(CHANGE_TIMEOUT_MS) })
    } finally {
      everything.forget()
    }
  }

  return {
    all: everything.get,
    shift: (gateway, request) => change(gateway, '/shift', request),
    rollBack: (gateway, request) => change(gateway, '/rollback', request),
  }
}
