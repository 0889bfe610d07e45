import { connect } from 'node:net'
import { createHttpProxy } from '@seaworthy/http-proxy'
import { readRequests, statusesIn } from '../matrix/message-reader.ts'
import { cutsOf, inputOf } from './inputs.ts'
import { type Relay, startRelay, type Traffic } from './relay.ts'
import type { FuzzedUpstream } from './upstreams.ts'

/** Which inputs: those of one seed have numbers, so that any part of them can be tried, at any time, by anybody. */
export interface InputRange {
  readonly seed: number
  /** The number of the first one, and how many there are. */
  readonly from: number
  readonly inputs: number
  /** Every which of them; the others are somebody else's. Default 1. */
  readonly every?: number
}

export interface FuzzOptions extends InputRange {
  readonly upstream: Pick<FuzzedUpstream, 'port'>
  /** Told now and then how many are done. */
  readonly onProgress?: (inputs: number) => void
  readonly onFinding?: (finding: Finding) => void
}

/** An input that the proxy and a strict reader, or the upstream, read differently. */
export interface Finding {
  /** Of {@link inputOf}. */
  readonly seed: number
  readonly why: string
  readonly input: string
}

export interface FuzzResult {
  readonly findings: readonly Finding[]
  /** So many inputs had a request that went on, and so many were refused in part. Both must be many for the rest to mean anything. */
  readonly forwarded: number
  readonly refused: number
}

const LANES = 8
const PATIENCE_MS = 3_000
const PROGRESS_EVERY = 1_000

/**
 * Sends random inputs through a proxy to an upstream, and compares three readings of each: what a strict reader, which is not the
 * proxy's, makes of the input; what it makes of what the proxy sends on; and what the upstream says that it read.
 */
export async function fuzz({ upstream, seed, from, inputs, every = 1, onProgress, onFinding }: FuzzOptions): Promise<FuzzResult> {
  const findings: Finding[] = []
  const counts = { forwarded: 0, refused: 0 }
  const end = from + inputs
  let next = from
  let done = 0
  const runLane = async () => {
    const relay = await startRelay(upstream.port)
    const defects: unknown[] = []
    const proxy = createHttpProxy({
      routes: [{ path: '/m/*', service: 'up' }],
      upstreams: new Map([['up', new URL(`http://127.0.0.1:${relay.port}`)]]),
      limits: { drainTimeoutMs: 0, lingerMs: 100 },
      onDefect: (error) => defects.push(error),
    })
    const port = await proxy.listen(0)
    for (let index = next; index < end; index = next) {
      next += every
      const inputSeed = seedOf(seed, index)
      const input = inputOf(inputSeed)
      const why = await compare(input, { port, relay, cuts: cutsOf(inputSeed, input.length), counts })
      const defect = defects.pop()
      if (why !== undefined || defect !== undefined) {
        const finding = { seed: inputSeed, why: why ?? `a defect: ${String(defect)}`, input }
        findings.push(finding)
        onFinding?.(finding)
      }
      if (++done % PROGRESS_EVERY === 0) onProgress?.(done)
    }
    await proxy.drain()
    relay.close()
  }
  await Promise.all(Array.from({ length: LANES }, runLane))
  return { findings, ...counts }
}

const seedOf = (seed: number, index: number): number => (seed * 1_000_003 + index) >>> 0

interface Way {
  readonly port: number
  readonly relay: Relay
  readonly cuts: readonly number[]
  readonly counts: { forwarded: number; refused: number }
}

/** @returns what is wrong */
async function compare(input: string, { port, relay, cuts, counts }: Way): Promise<string | undefined> {
  const strict = readRequests(input)
  // An input that ends in the middle of a request leaves the proxy waiting for the rest: then so many answers are all that comes.
  const isUnfinished = strict.flaw === undefined && strict.rest !== ''
  const { statuses, end } = await send(input, { port, cuts, answers: isUnfinished ? strict.requests.length : undefined })
  const traffic = relay.take()
  if (end === 'neither') return `neither an end nor the answers that are due: ${statuses.length} of ${strict.requests.length}`
  if (statuses.includes(502)) return 'an answer of 502'
  if (statuses.some((status) => status >= 400)) counts.refused++
  const sent = traffic.map(({ asked }) => readRequests(asked))
  const flaw = sent.find((each) => each.flaw !== undefined)?.flaw
  if (flaw !== undefined) return `it passes on ${flaw}`
  const forwarded = sent.flatMap(({ requests }) => requests)
  if (forwarded.length > 0) counts.forwarded++
  const wanted = strict.requests.map(({ method, target, body }) => `${method} ${target} ${body}`)
  let from = 0
  for (const { method, target, body } of forwarded) {
    // Requests that are refused leave gaps, and nothing else may.
    const at = wanted.indexOf(`${method} ${target} ${body}`, from)
    if (at === -1) return `it passes on ${method} ${target} with ${JSON.stringify(body)}, which nobody sent`
    from = at + 1
  }
  return traffic.map(upstreamDiffers).find((why) => why !== undefined)
}

/** Its answers come one for one, because the proxy sends one request at a time; one that it refuses says nothing of its reading. */
function upstreamDiffers({ asked, answered }: Traffic): string | undefined {
  const answers = answered.split(/(?=HTTP\/1\.1 [2-5]\d\d )/).filter((each) => /^HTTP\/1\.1 [2-5]/.test(each))
  const { requests, rest } = readRequests(asked)
  // Whoever does not wait for a body that is on its way may answer to it before it breaks off.
  const begun = rest === '' ? 0 : 1
  if (answers.length < requests.length || answers.length > requests.length + begun)
    return `the upstream gives ${answers.length} answers to ${requests.length} requests`
  for (const [index, { method, target, body }] of requests.entries()) {
    const [, request = '', bytes = ''] = /<(\S+ \/\S+) (\d+|-)>/.exec(answers[index]!) ?? []
    const isRead = request === `${method} ${target}` && (bytes === '-' || bytes === String(body.length))
    if (!isRead && answers[index]!.startsWith('HTTP/1.1 200 '))
      return `the upstream reads ${request} with ${bytes} bytes as request ${index}`
  }
  return undefined
}

/** How it ended: the proxy closed, all answers were there, or neither within the time. */
type End = 'closed' | 'answers' | 'neither'

interface Sending {
  readonly port: number
  readonly cuts: readonly number[]
  /** After so many it is over, even if the connection is not. */
  readonly answers: number | undefined
}

function send(input: string, { port, cuts, answers }: Sending): Promise<{ readonly statuses: readonly number[]; readonly end: End }> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const finish = (end: End) => {
      clearTimeout(patience)
      socket.removeAllListeners().on('error', () => {})
      socket.destroy()
      resolve({ statuses: statusesIn(text), end })
    }
    const patience = setTimeout(() => finish('neither'), PATIENCE_MS)
    const look = () => {
      if (answers !== undefined && statusesIn(text).length >= answers) finish('answers')
    }
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      look()
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', () => finish('closed'))
    socket.on('connect', () => {
      void (async () => {
        let at = 0
        for (const cut of [...cuts, input.length]) {
          socket.write(input.slice(at, cut), 'latin1')
          at = cut
          await new Promise(setImmediate)
        }
        look()
      })()
    })
  })
}
