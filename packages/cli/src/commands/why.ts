import { resolve } from 'node:path'
import { dataDirectoryPaths, readRunFile } from '@seaworthy/supervisor'
import { NotFoundError, UnavailableError } from 'seaworthy/core'
import { type Arguments, dataDirOf, dataDirOption, urlOf } from '../arguments.ts'
import type { Command } from '../command.ts'
import { columns, printable } from '../terminal.ts'

const TIMEOUT_MS = 10_000
const BAR_WIDTH = 40
/** What goes on after the answer is told where it takes so much longer. */
const WHOLE_RATIO_MIN = 1.2

/** The part of the console's answer that is shown. */
interface Path {
  readonly sentence: string
  readonly durationMs: number
  readonly parts: readonly { readonly cause: string; readonly ms: number; readonly ratio: number }[]
  readonly findings: readonly { readonly lockHolder: { readonly traceId?: string; readonly statement?: string } | null }[]
}

interface Verdict extends Path {
  readonly whole: Path | null
  readonly doubts: readonly { readonly fact: string; readonly stated: string; readonly spanId: string }[]
}

export const why: Command = {
  name: 'why',
  summary: 'why a request was slow, in one sentence and in milliseconds; ID is that of its trace, or its correlation id',
  operands: ['ID'],
  options: {
    console: { value: 'URL', help: 'the console that has the trace (the one of the system in the data directory)' },
    json: { help: 'as JSON, as the console answers' },
    'data-dir': dataDirOption,
  },
  async run(args, { env, print }) {
    const console = consoleOf(args, env)
    const traceId = await traceOf(args.operands[0] ?? '', console)
    const verdict = (await ask(console, `/api/traces/${traceId}/verdict`)) as Verdict
    print(args.flags.has('json') ? JSON.stringify(verdict, null, 2) : printable(told(verdict, new URL(`/traces/${traceId}`, console).href)))
    return 0
  },
}

/** @throws UsageError for what is no address; NotFoundError where none is known */
function consoleOf(args: Arguments, env: NodeJS.ProcessEnv): URL {
  const named = urlOf(args, 'console')
  if (named !== undefined) return named
  const dataDir = dataDirOf(args, env)
  const record = readRunFile(dataDirectoryPaths(resolve(dataDir)).runFile)?.processes.find(({ role }) => role === 'console')
  if (record !== undefined) return new URL(record.httpUrl)
  throw new NotFoundError(
    `No system with a console is known in ${dataDir}. Name its data directory with --data-dir, or the console with --console URL.`,
  )
}

/** Of several traces of one correlation id the slowest. */
async function traceOf(id: string, console: URL): Promise<string> {
  if (/^[0-9a-f]{32}$/i.test(id)) return id.toLowerCase()
  const { traces } = (await ask(console, `/api/traces?${new URLSearchParams({ correlationId: id, limit: '100' })}`)) as {
    readonly traces: readonly { readonly traceId: string; readonly durationMs: number }[]
  }
  const [slowest] = traces.toSorted((one, other) => other.durationMs - one.durationMs)
  if (slowest !== undefined) return slowest.traceId
  throw new NotFoundError(
    `The console has no trace with the correlation id "${id}", and it is no trace id: that has 32 hexadecimal digits.`,
  )
}

async function ask(console: URL, path: string): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(new URL(path, console), { signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (cause) {
    throw new UnavailableError(`The console at ${console.origin} does not answer. Is it up? seaworthy status says so.`, { cause })
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return body
  const detail =
    (body as { readonly detail?: string } | undefined)?.detail ?? `The console at ${console.origin} answered ${response.status}.`
  throw response.status === 404 ? new NotFoundError(detail) : new UnavailableError(detail)
}

function told(verdict: Verdict, link: string): string {
  const { whole, doubts, durationMs } = verdict
  const lines = [pathText(verdict)]
  if (whole !== null && whole.durationMs > durationMs * WHOLE_RATIO_MIN)
    lines.push('', `Until the end of all that it set off, ${milliseconds(whole.durationMs)} in all:`, pathText(whole))
  for (const { fact, stated, spanId } of doubts) lines.push('', `Doubtful: ${fact} of span ${spanId} says ${stated}.`)
  lines.push('', link)
  return lines.join('\n')
}

function pathText({ sentence, parts, findings }: Path): string {
  const rows = parts.map(({ cause, ms, ratio }) => [cause, milliseconds(ms), bar(ratio)])
  const holder = findings.find(({ lockHolder }) => lockHolder?.traceId !== undefined)?.lockHolder
  const held =
    holder?.traceId === undefined
      ? ''
      : `\n\nThe lock's holder: seaworthy why ${holder.traceId}${holder.statement === undefined ? '' : `\n  ${holder.statement}`}`
  return `${sentence}\n\n${columns(rows)}${held}`
}

function bar(ratio: number): string {
  return '█'.repeat(Math.max(1, Math.round(ratio * BAR_WIDTH)))
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')} ms`
}
