import { type CallContext, InvalidInputError, NotFoundError, type Operation, traceHeaders } from 'seaworthy/core'
import { readContext } from 'seaworthy/http'
import { canonicalSegments } from './canonical-path.ts'
import type { Destination, Destinations } from './destination.ts'
import { type Framing, requestFraming } from './framing.ts'
import { type Fields, optionsOf, type RequestHead } from './head.ts'
import type { KnownField } from './known-fields.ts'
import type { HttpProxyLimits } from './limits.ts'
import { clientAddress, HOST, originLines } from './origin.ts'
import { RefusedRequestError } from './problem.ts'
import type { Tunnels } from './tunnels.ts'

/** A request that may go on, and what was understood of it. */
export interface Admission {
  readonly destination: Destination
  readonly method: string
  readonly minorVersion: 0 | 1
  readonly framing: Framing
  readonly fields: Fields
  /** In the origin form; byte for byte as the client sent it. */
  readonly target: string
  /** What the client asked for by Host; undefined in HTTP/1.0 without it. */
  readonly host: string | undefined
  /** The end-to-end field lines as they came, without those that the proxy writes. */
  readonly endToEnd: string
  /** The field lines to send on, all but Host, those of the message and the context's. */
  readonly lines: string
  /** Those that say how the message is framed in HTTP/1.1, and what it asks of its connection. */
  readonly messageLines: string
  readonly context: CallContext
  /** The client's own limit for the answer, from the request's head on. */
  readonly timeoutMs: number | undefined
  readonly keepAlive: boolean
  readonly expectsContinue: boolean
  /** The client asks to speak WebSocket on this connection. */
  readonly upgrades: boolean
}

/** Why a request does not go on. */
export class Refusal {
  readonly error: unknown
  readonly destination: Destination | undefined

  constructor(error: unknown, destination: Destination | undefined) {
    this.error = error
    this.destination = destination
  }
}

export interface AdmissionRules {
  readonly destinations: Destinations
  readonly limits: HttpProxyLimits
  readonly tunnels: Tunnels
}

/** Who sent a request, as the connection tells. */
export interface Peer {
  readonly address: string
  /** Its word on where a request came from is taken. */
  readonly isTrusted: boolean
  readonly scheme: 'http' | 'https'
}

/** What the client wants of its connection after the answer (RFC 9112, section 9.3). */
export function keepsAlive({ fields, minorVersion }: { readonly fields: Fields; readonly minorVersion: 0 | 1 }): boolean {
  const connection = fields.get('connection')
  if (connection === undefined) return minorVersion === 1
  const options = optionsOf(connection)
  return minorVersion === 1 ? !options.includes('close') : options.includes('keep-alive') && !options.includes('close')
}

/** The context at the public edge: headers that hold, others replaced. Who the actor is, no client says for itself. */
export function publicContext(fields: Fields): CallContext {
  return readContext((name) => (CONTEXT_FIELDS.has(name) ? fields.get(name as KnownField) : undefined))
}

const CONTEXT_FIELDS: ReadonlySet<string> = new Set<KnownField>(['x-correlation-id', 'traceparent', 'tracestate', 'baggage'])

/** Decides whether a request is one thing only, and where it goes. */
export function admit(head: RequestHead, context: CallContext, peer: Peer, rules: AdmissionRules): Admission | Refusal {
  let destination: Destination | undefined
  try {
    const { method, fields } = head
    if (method === 'CONNECT') throw new RefusedRequestError(405, 'This proxy opens no tunnels.')
    const host = hostOf(head)
    const target = originForm(head.target, peer.scheme, host)
    const framing = requestFraming(head)
    refuseTooLarge(framing, rules.limits.bodyBytesMax)
    const expectsContinue = expectationOf(head, framing)
    destination = rules.destinations.destinationOf({
      method,
      target,
      segments: canonicalSegments(target),
      host,
      fields,
      correlationId: context.correlationId,
      clientAddress: clientAddress(fields, peer.address, peer.isTrusted),
    })
    if (destination === undefined) throw new NotFoundError(`There is no ${method} ${target.split('?', 1)[0]!.slice(0, 200)}.`)
    if (destination.bodyBytesMax !== undefined) refuseTooLarge(framing, destination.bodyBytesMax)
    const upgrades = asksForWebSocket(head, framing)
    if (upgrades) rules.tunnels.assertRoom()
    return admission(head, { context, peer, destination, host, target, framing, expectsContinue, upgrades })
  } catch (error) {
    return new Refusal(error, destination)
  }
}

interface Understood {
  readonly context: CallContext
  readonly peer: Peer
  readonly destination: Destination
  readonly host: string | undefined
  readonly target: string
  readonly framing: Framing
  readonly expectsContinue: boolean
  readonly upgrades: boolean
}

function admission(
  head: RequestHead,
  { context, peer, destination, host, target, framing, expectsContinue, upgrades }: Understood,
): Admission {
  const { method, minorVersion, fields } = head
  return {
    destination,
    method,
    minorVersion,
    framing,
    fields,
    target,
    host,
    endToEnd: fields.endToEnd,
    lines: fields.endToEnd + originLines(fields, peer, host),
    messageLines: messageLines(fields, framing, { expectsContinue, upgrades }),
    context,
    timeoutMs: timeoutOf(fields),
    keepAlive: keepsAlive(head),
    expectsContinue,
    upgrades,
  }
}

function refuseTooLarge(framing: Framing, bytesMax: number): void {
  if (framing.kind === 'length' && framing.bytes > bytesMax)
    throw new RefusedRequestError(413, `The body is ${framing.bytes} bytes; at most ${bytesMax} are taken.`)
}

/** The request for whoever listens. */
export function describe(
  { method, target }: RequestHead,
  { context, destination, scheme }: { context: CallContext; destination: Destination | undefined; scheme: Peer['scheme'] },
): Operation {
  return {
    name: destination === undefined ? method : `${method} ${destination.path}`,
    kind: 'server',
    parent: { traceparent: context.traceparent, tracestate: context.tracestate },
    attributes: {
      'http.request.method': method,
      'url.scheme': scheme,
      'url.path': target.split('?', 1)[0]!,
      ...(destination !== undefined && { 'http.route': destination.path, 'seaworthy.upstream': destination.upstream.name }),
      'seaworthy.correlation_id': context.correlationId,
    },
  }
}

/** An attempt for whoever listens. */
export function describeAttempt(
  { method, context }: Admission,
  { host, port, name }: { host: string; port: number; name: string },
): Operation {
  return {
    name: `${method} ${name}`,
    kind: 'client',
    attributes: {
      'http.request.method': method,
      'server.address': host,
      'server.port': port,
      'seaworthy.upstream': name,
      'seaworthy.correlation_id': context.correlationId,
    },
  }
}

/** The head that is sent to an upstream at that host and port; `remainingMs` is what is left of the client's own limit. */
export function headFor(admission: Admission, upstreamHost: string, remainingMs: number | undefined): string {
  const { method, target, lines, messageLines: message, context } = admission
  return `${method} ${target} HTTP/1.1\r\nhost: ${upstreamHost}\r\n${lines}${message}${contextLines(context, remainingMs)}\r\n`
}

function hostOf({ fields, minorVersion }: RequestHead): string | undefined {
  const host = fields.get('host')
  if (fields.isRepeated('host')) throw new InvalidInputError('The request has more than one Host header.')
  if (host === undefined && minorVersion === 1) throw new InvalidInputError('The request has no Host header.')
  if (host !== undefined && !HOST.test(host)) throw new InvalidInputError('The Host header is no host with an optional port.')
  return host
}

const ABSOLUTE = /^(https?):\/\/([^/?]*)(.*)$/i

/** The absolute form names a host a second time (RFC 9112, section 3.2.2): it is taken only where both agree. */
function originForm(target: string, scheme: Peer['scheme'], host: string | undefined): string {
  const absolute = ABSOLUTE.exec(target)
  if (absolute?.[1]?.toLowerCase() !== scheme) return target
  const [, , authority = '', rest = ''] = absolute
  if (authority.toLowerCase() !== host?.toLowerCase())
    throw new InvalidInputError('The request names one host in its target and another in its Host header.')
  return rest.startsWith('/') ? rest : `/${rest}`
}

function expectationOf({ fields, minorVersion }: RequestHead, framing: Framing): boolean {
  const expectation = fields.get('expect')
  if (expectation === undefined) return false
  if (expectation.toLowerCase() !== '100-continue')
    throw new RefusedRequestError(417, 'The only expectation that is taken is 100-continue.')
  // RFC 9110, section 10.1.1: it means nothing in HTTP/1.0 and without a body.
  return minorVersion === 1 && hasBody(framing)
}

const hasBody = (framing: Framing): boolean => framing.kind === 'chunked' || (framing.kind === 'length' && framing.bytes > 0)

/** Any other protocol may be ignored (RFC 9110, section 7.8); h2c would carry requests past every rule of the proxy. */
function asksForWebSocket({ method, minorVersion, fields }: RequestHead, framing: Framing): boolean {
  const upgrade = fields.get('upgrade')
  if (upgrade === undefined || minorVersion === 0 || method !== 'GET' || hasBody(framing)) return false
  return upgrade.toLowerCase() === 'websocket' && optionsOf(fields.get('connection')).includes('upgrade')
}

const TIMEOUT_MS = /^\d{1,9}$/

/** What the client says its own time limit is. */
function timeoutOf(fields: Fields): number | undefined {
  const text = fields.get('x-request-timeout-ms')
  if (text === undefined) return undefined
  if (TIMEOUT_MS.test(text)) return Number(text)
  throw new InvalidInputError('The header x-request-timeout-ms is no whole number of milliseconds.', [
    { field: 'x-request-timeout-ms', message: 'Expected a whole number of milliseconds' },
  ])
}

/** Asked for at each attempt: the trace context is that of the attempt in progress. */
export function contextLines(context: CallContext, remainingMs: number | undefined): string {
  const { correlationId, baggage } = context
  const { traceparent, tracestate } = traceHeaders(context)
  let lines = `x-correlation-id: ${correlationId}\r\n`
  if (traceparent !== undefined) lines += `traceparent: ${traceparent}\r\n`
  if (tracestate !== undefined) lines += `tracestate: ${tracestate}\r\n`
  if (baggage !== undefined) lines += `baggage: ${baggage}\r\n`
  if (remainingMs !== undefined) lines += `x-request-timeout-ms: ${remainingMs}\r\n`
  return lines
}

function messageLines(
  fields: Fields,
  framing: Framing,
  { expectsContinue, upgrades }: { expectsContinue: boolean; upgrades: boolean },
): string {
  let lines = ''
  if (framing.kind === 'length') lines += `content-length: ${framing.bytes}\r\n`
  if (framing.kind === 'chunked') {
    const trailer = fields.get('trailer')
    lines += trailer === undefined ? 'transfer-encoding: chunked\r\n' : `trailer: ${trailer}\r\ntransfer-encoding: chunked\r\n`
  }
  if (expectsContinue) lines += 'expect: 100-continue\r\n'
  if (upgrades) lines += 'connection: upgrade\r\nupgrade: websocket\r\n'
  return lines
}
