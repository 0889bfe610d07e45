import { mkdir, open, readFile, rename, truncate } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Counts, LedgerEntry } from '@seaworthy/supervisor/gateway-admin'
import { ConfigurationError } from 'seaworthy/core'
import { Traffic } from './traffic.ts'

export type { Counts, LedgerEntry }

const CHANGES = 'changes.jsonl'
const COUNTS = 'counts.json'
const TRAFFIC = 'traffic.json'
const ENTRIES_KEPT = 1_000

/**
 * The history of a gateway's shares, in a folder of its own, for one gateway. A decision is appended and synced before it counts; figures are written
 * now and then, and a crash loses what came after.
 */
export class Ledger {
  readonly #folder: string
  readonly #changes: FileHandle
  readonly #entries: LedgerEntry[]
  readonly #shares = new Map<string, { readonly to: string; readonly percent: number }>()
  readonly counts: ReadonlyMap<string, Counts>
  readonly traffic: Traffic
  #last: Promise<unknown> = Promise.resolve()

  private constructor(
    folder: string,
    changes: FileHandle,
    stored: { readonly entries: readonly LedgerEntry[]; readonly counts: ReadonlyMap<string, Counts>; readonly traffic: Traffic },
  ) {
    this.#folder = folder
    this.#changes = changes
    for (const entry of stored.entries) this.#apply(entry)
    this.#entries = stored.entries.slice(-ENTRIES_KEPT)
    this.counts = stored.counts
    this.traffic = stored.traffic
  }

  /** @throws ConfigurationError when the folder holds something that is no ledger */
  static async open(folder: string): Promise<Ledger> {
    await mkdir(folder, { recursive: true })
    const path = join(folder, CHANGES)
    const entries = await readEntries(path)
    const counts = await readFigures(join(folder, COUNTS), (stored) => new Map(stored as [string, Counts][]), new Map<string, Counts>())
    const traffic = await readFigures(join(folder, TRAFFIC), (stored) => Traffic.from(stored), new Traffic())
    const changes = await open(path, 'a', 0o600)
    // The file's own name must outlive a crash, too.
    const directory = await open(folder, 'r')
    await directory.sync()
    await directory.close()
    return new Ledger(folder, changes, { entries, counts, traffic })
  }

  /** The newest decisions, the latest last. */
  get entries(): readonly LedgerEntry[] {
    return this.#entries
  }

  /** What the last decision about a share made it; undefined where there was none. */
  shareOf(route: string, to: string | undefined): number | undefined {
    const share = this.#shares.get(placeOf(route, undefined))
    return share?.to === to ? share?.percent : undefined
  }

  /** The shares of those tenants of a route that have one of their own. */
  tenantSharesOf(route: string, to: string | undefined): ReadonlyMap<string, number> {
    const prefix = placeOf(route, '')
    return new Map(
      [...this.#shares].flatMap(([place, share]) =>
        place.startsWith(prefix) && share.to === to ? [[place.slice(prefix.length), share.percent] as const] : [],
      ),
    )
  }

  /** Settles when the entry is on the disk. */
  append(entry: LedgerEntry): Promise<void> {
    return this.#inTurn(async () => {
      const { size } = await this.#changes.stat()
      try {
        await this.#changes.appendFile(`${JSON.stringify(entry)}\n`)
        await this.#changes.datasync()
      } catch (error) {
        // A full disk leaves half a line, into which the next entry would run: no start could read either.
        await this.#changes.truncate(size).catch(() => {})
        throw error
      }
      this.#entries.push(entry)
      if (this.#entries.length > ENTRIES_KEPT) this.#entries.shift()
      this.#apply(entry)
    })
  }

  /** Replaces the stored figures, and those of the traffic. */
  writeFigures(counts: ReadonlyMap<string, Counts>): Promise<void> {
    return this.#inTurn(async () => {
      await this.#replace(COUNTS, [...counts])
      await this.#replace(TRAFFIC, this.traffic.history())
    })
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {})
    await this.#changes.close()
  }

  async #replace(name: string, figures: object): Promise<void> {
    const path = join(this.#folder, name)
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify(figures))
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  }

  #apply({ kind, route, tenant, to, toPercent }: LedgerEntry): void {
    if (kind !== 'refused') this.#shares.set(placeOf(route, tenant), { to, percent: toPercent })
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const written = this.#last.then(write, write)
    this.#last = written
    return written
  }
}

/** Names the share of a route, or of one of its tenants, among others. */
export const placeOf = (route: string, tenant: string | undefined): string => (tenant === undefined ? route : `${route}\n${tenant}`)

async function readEntries(path: string): Promise<LedgerEntry[]> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  // A crash in the middle of an append leaves a last line without its end. It was not acknowledged, and must not run into the next.
  const end = bytes.lastIndexOf(0x0a) + 1
  if (end < bytes.length) await truncate(path, end)
  return bytes
    .toString('utf8', 0, end)
    .split('\n')
    .slice(0, -1)
    .map((line, index) => readEntry(line, `${path}, line ${index + 1},`))
}

function readEntry(line: string, where: string): LedgerEntry {
  try {
    const entry = JSON.parse(line) as LedgerEntry
    const { route, to, kind, toPercent } = entry
    if ([route, to, kind].every((each) => typeof each === 'string') && Number.isFinite(toPercent)) return entry
  } catch {
    // Said below.
  }
  throw new ConfigurationError(`${where} is no entry of a gateway's ledger. Mend or remove that line; the shares come from the others.`)
}

/** Figures for people: without them the counting begins anew. */
async function readFigures<T>(path: string, read: (stored: unknown) => T, none: T): Promise<T> {
  try {
    return read(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return none
  }
}
