import { SETTINGS } from './http2/frames.ts'
import { STREAM_ENDED } from './http2/reading.ts'
import type { Expectation, Seen } from './matrix-case.ts'
import type { ReadRequest } from './message-reader.ts'

const flawed = ({ flaw }: Seen): string | undefined => (flaw === undefined ? undefined : `passes on ${flaw}`)

const wasRefused = ({ requests, flaw, statuses, end, upstreamConnections }: Seen): boolean => {
  if (requests.length > 0 || flaw !== undefined) return false
  const [status] = statuses
  if (status === undefined) return end !== 'open'
  const isOfRequest = (status >= 400 && status <= 501) || status === 505
  // Some say 502 of a body that they gave up in the middle. One without a connection speaks of the upstream, and refuses nothing.
  return isOfRequest || (status >= 500 && upstreamConnections > 0)
}

const valuesOf = (request: ReadRequest, name: string) => request.headers.flatMap(([each, value]) => (each === name ? [value] : []))

/** Nothing reaches the upstream whole, and the client is told, if only by a close. */
export const refused: Expectation = {
  says: 'refused',
  wrong(seen) {
    if (wasRefused(seen)) return undefined
    return flawed(seen) ?? (seen.requests.length > 0 ? 'passed on' : seen.statuses.length > 0 ? `answers ${seen.statuses[0]}` : 'waits')
  },
}

/** Refused, or answered in HTTP/2, which begins with a frame of SETTINGS. */
export const refusedOrHttp2: Expectation = {
  says: 'refused, or spoken',
  wrong: (seen) => (seen.requests.length === 0 && seen.answer.charCodeAt(3) === SETTINGS ? undefined : refused.wrong(seen)),
}

/** Refused with one of these statuses. */
export const refusedWith = (...statuses: readonly number[]): Expectation => ({
  says: `refused with ${statuses.join(' or ')}`,
  wrong(seen) {
    return refused.wrong(seen) ?? (statuses.includes(seen.statuses[0] ?? 0) ? undefined : `answers ${seen.statuses[0] ?? 'nothing'}`)
  },
})

export interface Wanted {
  readonly body?: string
  readonly target?: string
  /** Fields with just this value, or none of that name. */
  readonly fields?: Readonly<Record<string, string | undefined>>
  /** Matches nowhere in the head. */
  readonly lacks?: RegExp
  /** So many requests. Default 1. */
  readonly count?: number
  readonly trailers?: RegExp
}

function notAsWanted(seen: Seen, { body, target, fields = {}, lacks, count = 1, trailers }: Wanted): string | undefined {
  if (seen.flaw !== undefined) return flawed(seen)
  if (seen.requests.length !== count) return `the upstream reads ${seen.requests.length} requests`
  const [request] = seen.requests
  if (request === undefined) return undefined
  if (body !== undefined && request.body !== body) return `the body becomes ${JSON.stringify(request.body.slice(0, 20))}`
  if (target !== undefined && request.target !== target) return `the target becomes ${request.target.slice(0, 60)}`
  for (const [name, value] of Object.entries(fields)) {
    const values = valuesOf(request, name)
    if (value === undefined ? values.length > 0 : values.length !== 1 || values[0] !== value)
      return values.length === 0 ? `no ${name}` : `${name}: ${values.join(' and ').slice(0, 60)}`
  }
  const found = lacks?.exec(request.headers.map(([name, value]) => `${name}: ${value}`).join('\n'))
  if (found) return `passes on ${found[0]}`
  if (trailers !== undefined && !trailers.test(request.trailers)) return `the trailers become ${JSON.stringify(request.trailers)}`
  return undefined
}

/** Passed on, so that every program reads the same. */
export const passed = (wanted: Wanted = {}, says = 'passed on'): Expectation => ({ says, wrong: (seen) => notAsWanted(seen, wanted) })

/** Refused, or passed on so that every program reads the same. */
export const refusedOrPassed = (wanted: Wanted = {}): Expectation => ({
  says: 'refused, or made one thing only',
  wrong: (seen) => (wasRefused(seen) ? undefined : notAsWanted(seen, wanted)),
})

/** Refused, or passed on as whatever the proxy took it for, so that every program behind it reads just that. */
export const oneReading: Expectation = {
  says: 'refused, or made one thing only',
  wrong: (seen) => (wasRefused(seen) ? undefined : (flawed(seen) ?? (seen.requests.length === 0 ? 'waits' : undefined))),
}

/** Refused, or its path stays below `/m/` however it is decoded and resolved behind the proxy. */
export const staysBelow: Expectation = {
  says: 'refused, or below its route whoever resolves it',
  wrong(seen) {
    if (wasRefused(seen)) return undefined
    if (seen.flaw !== undefined || seen.requests.length === 0) return flawed(seen) ?? 'waits'
    const { target } = seen.requests[0]!
    const escaped = readingsOf(target.split('?', 1)[0]!).find((reading) => !reading.startsWith('/m/') || /[;\0]/.test(reading))
    return escaped === undefined ? undefined : `${target.slice(0, 40)} can be read as ${JSON.stringify(escaped.slice(0, 30))}`
  },
}

/** How programs read a path: decoded not at all, once or twice; `\` as a slash or not; runs of slashes as one. */
function readingsOf(path: string): string[] {
  const readings: string[] = []
  let decoded = path
  for (let times = 0; times < 3; times++) {
    for (const text of [decoded, decoded.replaceAll('\\', '/')]) readings.push(resolved(text))
    decoded = decoded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  return readings
}

function resolved(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return `/${segments.join('/')}${path.endsWith('/') ? '/' : ''}`
}

export interface WantedAnswer {
  readonly statuses?: readonly number[]
  readonly matches?: RegExp
  readonly lacks?: RegExp
  readonly end?: Seen['end']
  /** The connection is not open any more, in whatever way it ended. */
  readonly isOver?: true
  readonly upstreamConnections?: number
  readonly upstreamRequests?: number
}

/** What the client gets. */
export const answers = (says: string, wanted: WantedAnswer): Expectation => ({
  says,
  wrong(seen) {
    const { statuses, matches, lacks, end, isOver, upstreamConnections, upstreamRequests } = wanted
    if (statuses !== undefined && String(seen.statuses) !== String(statuses)) return `answers ${seen.statuses.join(', ') || 'nothing'}`
    if (matches !== undefined && !matches.test(seen.answer)) return seen.answer === '' ? 'answers nothing' : 'other bytes'
    const found = lacks?.exec(seen.answer)
    if (found) return `passes on ${JSON.stringify(found[0].slice(0, 40))}`
    if (end !== undefined && seen.end !== end) return `the connection is ${seen.end}`
    if (isOver === true && seen.end === 'open') return 'waits'
    if (upstreamRequests !== undefined && seen.requests.length !== upstreamRequests) return `asks ${seen.requests.length} times`
    if (upstreamConnections !== undefined && seen.upstreamConnections !== upstreamConnections)
      return `uses ${seen.upstreamConnections} connections`
    return undefined
  },
})

/** The answer broke off, and the client can see it: an error status, or a transfer that does not end as it should. */
export const visiblyBroken: Expectation = {
  says: 'seen to break off',
  wrong({ answer, statuses, end }) {
    if ((statuses[0] ?? 599) >= 500 || end === 'reset') return undefined
    // In HTTP/2 an end is an end, whatever came before.
    if (answer.startsWith('HEADERS')) return answer.includes(STREAM_ENDED) ? 'a clean end' : end === 'open' ? 'waits' : undefined
    const head = answer.slice(0, answer.indexOf('\r\n\r\n'))
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    const isWhole =
      length !== undefined
        ? body.length >= Number(length)
        : /\r\ntransfer-encoding: chunked/i.test(head)
          ? /(?:^|\n)0\r\n\r\n$/.test(body)
          : true
    if (isWhole) return end === 'open' ? 'as if it were whole' : 'a clean end'
    return end === 'open' ? 'waits' : undefined
  },
}
