import type { KeyValue } from '../otlp/model.ts'
import { type Fields, fields, idOf, isFields, list, nanosOf, stringAttribute, text } from './fields.ts'

const KINDS: Readonly<Record<string, number>> = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 }

/** A list of spans in Zipkin's second format, or a list of traces in it. */
export function isZipkin(value: unknown): boolean {
  const spans = Array.isArray(value) ? value.flat() : []
  return spans.length > 0 && spans.every((span) => isFields(span) && typeof span['traceId'] === 'string' && typeof span['id'] === 'string')
}

/**
 * As a request of OTLP. A server's span that shares the id of its caller's becomes a span of its own below it, and what the server did goes below that. Parts of
 * one span that were reported apart are put together. A span without any time gets that of its parent, and says so.
 */
export function fromZipkin(value: unknown): object {
  const spans = merged((Array.isArray(value) ? value.flat() : []).filter(isFields))
  const shared = sharedSpans(spans)
  const timed = withTimes(spans)
  return {
    resourceSpans: timed.map(({ span, startUs, endUs, isGuess }) => {
      const local = fields(span['localEndpoint'])
      const id = text(span['id']) ?? ''
      const isShared = shared.get(keyOf(span))?.has(span) === true
      const parent = isShared ? id : parentIn(span, shared)
      return {
        resource: { attributes: stringAttribute('service.name', text(local['serviceName'])) },
        scopeSpans: [
          {
            spans: [
              {
                traceId: idOf(text(span['traceId']) ?? '', 32),
                spanId: idOf(isShared ? sharedId(span) : id, 16),
                ...(parent !== undefined && { parentSpanId: idOf(parent, 16) }),
                name: text(span['name']) ?? '',
                kind: KINDS[text(span['kind']) ?? ''] ?? 0,
                startTimeUnixNano: nanosOf(startUs),
                endTimeUnixNano: nanosOf(endUs),
                attributes: attributesOf(span, isGuess),
                events: list(span['annotations']).map((each) => {
                  const { timestamp, value: name } = fields(each)
                  return { timeUnixNano: nanosOf(timestamp), name: text(name) ?? '' }
                }),
                ...(fields(span['tags'])['error'] !== undefined && {
                  status: { code: 2, message: text(fields(span['tags'])['error']) ?? '' },
                }),
              },
            ],
          },
        ],
      }
    }),
  }
}

const keyOf = (span: Fields, id = text(span['id'])) => `${text(span['traceId'])} ${id}`
const serviceOf = (span: Fields) => text(fields(span['localEndpoint'])['serviceName'])
/** Of one process, as far as a span tells. */
const processOf = (span: Fields) => {
  const { ipv4, ipv6, port } = fields(span['localEndpoint'])
  return `${serviceOf(span)} ${text(ipv4 ?? ipv6)} ${text(port)}`
}
/** Of a span whose id is another's, made from that and from its process. */
const sharedId = (span: Fields) => `${keyOf(span)} ${processOf(span)} ${text(span['kind'])} shared`

/** Reports of one span by one process are one: what is missing in the first is in the others. One without kind and time belongs to any. */
function merged(spans: readonly Fields[]): readonly Fields[] {
  const isPart = (span: Fields) => span['kind'] === undefined && span['timestamp'] === undefined
  const found = new Map<string, Map<string, Fields[]>>()
  // Parts last, so that what they belong to is there.
  for (const span of spans.toSorted((one, other) => Number(isPart(one)) - Number(isPart(other)))) {
    const key = `${keyOf(span)} ${processOf(span)}`
    const reports = found.get(key) ?? new Map<string, Fields[]>()
    found.set(key, reports)
    const side = `${text(span['kind'])} ${text(span['shared'])}`
    const [first] = reports.values()
    const same = isPart(span) ? first : reports.get(side)
    if (same === undefined) reports.set(side, [span])
    else same.push(span)
  }
  return [...found.values()].flatMap((reports) => [...reports.values()].map(together))
}

/** What the first says counts, and what it does not say is in the others. */
function together(reports: readonly Fields[]): Fields {
  const [first] = reports
  if (first !== undefined && reports.length === 1) return first
  const last = reports.toReversed()
  return {
    ...Object.fromEntries(last.flatMap((report) => Object.entries(report))),
    tags: Object.fromEntries(last.flatMap((report) => Object.entries(fields(report['tags'])))),
    annotations: reports.flatMap((report) => list(report['annotations'])),
  }
}

type Shared = ReadonlyMap<string, ReadonlySet<Fields>>

/** The spans that have another's id, by that id: all but the caller's. */
function sharedSpans(spans: readonly Fields[]): Shared {
  const found = new Map<string, ReadonlySet<Fields>>()
  for (const [key, same] of Map.groupBy(spans, (span) => keyOf(span))) {
    if (same.length === 1) continue
    const caller =
      same.find(({ kind }) => kind === 'CLIENT' || kind === 'PRODUCER') ?? same.find(({ shared }) => shared !== true) ?? same[0]
    found.set(key, new Set(same.filter((span) => span !== caller)))
  }
  return found
}

/** Below the server's half of a shared span if that is of the same service, or the only one. */
function parentIn(span: Fields, shared: Shared): string | undefined {
  const parent = text(span['parentId'])
  if (parent === undefined) return undefined
  const servers = [...(shared.get(keyOf(span, parent)) ?? [])]
  const server = servers.find((each) => serviceOf(each) === serviceOf(span)) ?? (span['kind'] === 'CLIENT' ? servers[0] : undefined)
  return server === undefined ? parent : sharedId(server)
}

interface TimedSpan {
  readonly span: Fields
  readonly startUs: number
  readonly endUs: number
  readonly isGuess: boolean
}

function withTimes(spans: readonly Fields[]): readonly TimedSpan[] {
  const starts = startTimes(spans)
  return spans.map((span) => {
    const startUs = starts.get(span) ?? 0
    const duration = Number(span['duration'] ?? 0)
    const last = Math.max(0, ...list(span['annotations']).map((each) => Number(fields(each)['timestamp']) || 0))
    return {
      span,
      startUs,
      endUs: Math.max(startUs + (Number.isFinite(duration) ? duration : 0), span['duration'] === undefined ? last : 0),
      isGuess: ownTime(span) === undefined,
    }
  })
}

function ownTime(span: Fields): number | undefined {
  const times = [span['timestamp'], ...list(span['annotations']).map((each) => fields(each)['timestamp'])]
  return times.map(Number).find((time) => Number.isFinite(time) && time > 0)
}

/** When each span began: its own time, or that of the nearest one above it that has any. Each is looked at once, or a long chain without times would take its square. */
function startTimes(spans: readonly Fields[]): ReadonlyMap<Fields, number> {
  const byId = new Map(spans.map((span) => [keyOf(span), span]))
  const starts = new Map<Fields, number>()
  for (const span of spans) {
    const timeless: Fields[] = []
    let startUs: number | undefined
    for (let from: Fields | undefined = span; from !== undefined; from = byId.get(keyOf(from, text(from['parentId'])))) {
      startUs = starts.get(from) ?? ownTime(from)
      if (startUs !== undefined) break
      // Nobody's, until it is found; a circle that has none ends here.
      starts.set(from, 0)
      timeless.push(from)
    }
    for (const each of [span, ...timeless]) starts.set(each, startUs ?? 0)
  }
  return starts
}

function attributesOf(span: Fields, isGuess: boolean): readonly KeyValue[] {
  const remote = fields(span['remoteEndpoint'])
  const local = fields(span['localEndpoint'])
  return [
    ...Object.entries(fields(span['tags'])).flatMap(([key, value]) => stringAttribute(key, text(value))),
    ...stringAttribute('network.local.address', text(local['ipv4'] ?? local['ipv6'])),
    ...stringAttribute('network.local.port', text(local['port'])),
    ...stringAttribute('peer.service', text(remote['serviceName'])),
    ...stringAttribute('network.peer.address', text(remote['ipv4'] ?? remote['ipv6'])),
    ...stringAttribute('network.peer.port', text(remote['port'])),
    ...(isGuess ? stringAttribute('zipkin.time', 'missing: that of the parent') : []),
  ]
}
