import { setTimeout as delay } from 'node:timers/promises'
import { Guardian } from '@seaworthy/supervisor'
import { ConfigurationError, SeaworthyError } from 'seaworthy/core'
import type { ConformanceTest, Finding } from './conformance-test.ts'
import { AdapterError, NotPutError } from './errors.ts'
import { adapterUrl, loadAdapter } from './load-adapter.ts'
import { openServer } from './server.ts'
import { OUTBOX_TESTS } from './tests/index.ts'
import { type Scale, Trial, type TrialOptions } from './trial.ts'

export interface ConformanceOptions {
  /** The name of an adapter that comes with the kit, or the file of one. */
  readonly adapter: string
  /** Of a throw-away PostgreSQL, as its superuser, with `wal_level = logical`. Default: the kit starts one of its own. */
  readonly databaseUrl?: string
  /** Names of the tests to run. Default: all. */
  readonly only?: readonly string[]
  /** `quick` asks the same questions with fewer events. Default `full`. */
  readonly scale?: Scale
  /**
   * How long nothing may arrive before a fresh relay is started to help, in milliseconds; what that one does not deliver in twice this time is lost.
   * Default 12,000.
   */
  readonly patienceMs?: number
  /** Told of each result when it is there. */
  readonly onResult?: (result: ConformanceResult) => void
  /** Ends the run: what it has begun is taken away, and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * What came of a test:
 * - `pass`, `fail`: what the product did.
 * - `does-not-have`: it lacks what the question is about.
 * - `not-put`: the test could not be put to it, which says nothing about it, and is no success.
 */
export interface ConformanceResult {
  readonly name: string
  readonly question: string
  readonly verdict: Finding['verdict'] | 'not-put'
  readonly evidence: string
  readonly figures: Readonly<Record<string, unknown>>
  readonly tookMs: number
}

export interface ConformanceReport {
  readonly adapter: { readonly name: string; readonly version: string; readonly configuration: readonly string[] }
  readonly postgres: string
  readonly node: string
  readonly scale: Scale
  /** RFC 3339. */
  readonly startedAt: string
  readonly tookMs: number
  readonly results: readonly ConformanceResult[]
}

/** Whether nothing failed, and everything could be put. What a product does not have is no failure. */
export function isConformant(report: ConformanceReport): boolean {
  return report.results.every(({ verdict }) => verdict === 'pass' || verdict === 'does-not-have')
}

/**
 * Puts the tests to an outbox, one after another, each in a database of its own.
 * @throws AdapterError when the adapter cannot be loaded; ConfigurationError when a test is unknown or the server is not fit
 */
export async function runOutboxConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const { scale = 'full', patienceMs = 12_000, only, onResult, signal } = options
  const unknown = only?.filter((name) => !OUTBOX_TESTS.some((test) => test.name === name)) ?? []
  if (unknown.length > 0) {
    throw new ConfigurationError(`There is no test ${unknown.join(', ')}. There are: ${OUTBOX_TESTS.map(({ name }) => name).join(', ')}.`)
  }
  const url = adapterUrl(options.adapter)
  const adapter = await loadAdapter(url)
  const startedAt = new Date()
  const server = await openServer(options.databaseUrl)
  const guardian = new Guardian()
  const results: ConformanceResult[] = []
  try {
    for (const test of OUTBOX_TESTS.filter(({ name }) => only?.includes(name) ?? true)) {
      signal?.throwIfAborted()
      const result = await put(test, { adapter, adapterUrl: url, server, guardian, scale, patienceMs }, signal)
      results.push(result)
      onResult?.(result)
    }
  } finally {
    guardian.close()
    await server.close()
  }
  const { name, version, configuration } = adapter
  return {
    adapter: { name, version, configuration },
    postgres: server.version,
    node: process.versions.node,
    scale,
    startedAt: startedAt.toISOString(),
    tookMs: Date.now() - startedAt.getTime(),
    results,
  }
}

const UNDONE_WITHIN_MS = 2_000

async function put(test: ConformanceTest, on: Omit<TrialOptions, 'signal'>, signal: AbortSignal | undefined): Promise<ConformanceResult> {
  const startedMs = performance.now()
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(new Error(`not over within ${test.timeoutMs / 1000} s`)), test.timeoutMs)
  const stop = () => over.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  let found: Pick<ConformanceResult, 'verdict' | 'evidence' | 'figures'>
  try {
    const trial = await Trial.open({ ...on, signal: over.signal })
    const aborted = new Promise<never>((_, reject) => {
      over.signal.addEventListener('abort', () => reject(over.signal.reason as Error), { once: true })
    })
    const running = test.run(trial)
    try {
      found = await Promise.race([running, aborted])
    } finally {
      over.abort(new Error('The test is over.'))
      // One that took too long puts back first what it changed in the server.
      await Promise.race([running.then(undefined, () => undefined), delay(UNDONE_WITHIN_MS)])
      await trial.close()
    }
  } catch (error) {
    signal?.throwIfAborted()
    // The product's own error, or a test that took too long, is a failure of the product; a fault that did not come is none, nor is a mistake in the adapter.
    const verdict = error instanceof NotPutError || error instanceof AdapterError ? 'not-put' : 'fail'
    found = { verdict, evidence: error instanceof SeaworthyError ? error.message : String(error), figures: {} }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
  return { name: test.name, question: test.question, ...found, tookMs: Math.round(performance.now() - startedMs) }
}
