import type { ReadRequest } from './message-reader.ts'

/** What came of a case, on both sides of the proxy. */
export interface Seen {
  /** What the upstream read, by the strict grammar. */
  readonly requests: readonly ReadRequest[]
  readonly flaw: string | undefined
  /** Bytes that the client received, as latin1; of HTTP/2, its frames in words. */
  readonly answer: string
  /** Of its answers, without interim ones. */
  readonly statuses: readonly number[]
  /** How its connection stood at the end. A stream of HTTP/2 that was reset counts as one. */
  readonly end: 'open' | 'closed' | 'reset'
  readonly upstreamConnections: number
}

/** What should come of it, in words and as a judgement. */
export interface Expectation {
  readonly says: string
  /** @returns what is wrong, or undefined */
  wrong(seen: Seen): string | undefined
}

/**
 * What the upstream does with each request in turn; the last holds for all further ones. `drop` closes the connection without an answer,
 * `reset` resets it. An answer may end in {@link THEN_CLOSE} or {@link THEN_RESET}.
 */
type UpstreamAct = string

export const DROP = 'drop'
export const THEN_CLOSE = '\0close'
export const THEN_RESET = '\0reset'
/** In an answer: the proof that the key of its request was read (RFC 6455, section 4.2.2). */
export const ACCEPT = '\0accept'
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

export interface MatrixCase {
  readonly group: string
  readonly name: string
  /** What the client speaks. HTTP/2 without TLS, known beforehand. Default HTTP/1. */
  readonly protocol?: 'h2'
  /** Bytes of the client, as latin1. Further parts are sent each once something has come back, or after a pause. */
  readonly send: readonly string[]
  /** Default {@link OK}. */
  readonly acts: readonly UpstreamAct[]
  readonly expect: Expectation
  /** The client waits so long for its connection to end. Default 250. */
  readonly patienceMs?: number
  /** Put when nothing else is on its way, after all others. */
  readonly isAlone?: true
  /** Sends the last part again and again while it waits. */
  readonly drips?: boolean
}

/** The rows of one group, short to write: name, what is sent, what is expected, what the upstream does. */
export type Row = readonly [
  name: string,
  send: string | readonly string[],
  expect: Expectation,
  acts?: UpstreamAct | readonly UpstreamAct[] | undefined,
  options?: Pick<MatrixCase, 'patienceMs' | 'drips'>,
]

export function group(name: string, rows: readonly Row[]): readonly MatrixCase[] {
  return rows.map(([what, send, expect, acts = OK, options]) => ({
    group: name,
    name: what,
    send: typeof send === 'string' ? [send] : send,
    acts: typeof acts === 'string' ? [acts] : acts,
    expect,
    ...options,
  }))
}

/** The same, spoken in HTTP/2. */
export const http2Group = (name: string, rows: readonly Row[]): readonly MatrixCase[] =>
  group(name, rows).map((each) => ({ ...each, protocol: 'h2' as const }))
