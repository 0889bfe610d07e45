import { readFileSync } from 'node:fs'
import { ConfigurationError } from 'seaworthy/core'
import { type Destination, signalUrl } from './destinations.ts'
import { OTLP_PROTOCOLS, OTLP_SIGNALS, type OtlpProtocol, type OtlpSignal } from './otlp/items.ts'
import type { Certificates, Compression } from './wire.ts'

/**
 * What OpenTelemetry's own variables ask for: `OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL`, `_HEADERS`, `_TIMEOUT`, `_COMPRESSION`, `_INSECURE`, `_CERTIFICATE`,
 * `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`, and the same of one signal (`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`), `OTEL_TRACES_EXPORTER` and its like (`none`, `otlp`, `zipkin`),
 * `OTEL_METRIC_EXPORT_INTERVAL`, and `OTEL_EXPORTER_ZIPKIN_ENDPOINT`. None where none is set. Certificates are read from their files now.
 * @throws ConfigurationError for a protocol or compression that is not spoken here, for headers or times that are none, and for a file that cannot be read
 */
export function destinationsFrom(env: NodeJS.ProcessEnv): readonly Destination[] {
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const zipkin = set('OTEL_EXPORTER_ZIPKIN_ENDPOINT')
  return [
    ...OTLP_SIGNALS.flatMap((signal) => (isExported(signal, 'otlp', set) ? otlpFrom(signal, set) : [])),
    ...(zipkin === undefined || !isExported('traces', 'zipkin', set) ? [] : [{ kind: 'zipkin' as const, url: zipkin }]),
  ]
}

type Variables = (name: string) => string | undefined

interface Variable {
  readonly name: string
  readonly value: string
}

/** `OTEL_TRACES_EXPORTER` and its like name who gets a signal; where they name nobody, an address is enough. */
function isExported(signal: OtlpSignal, exporter: 'otlp' | 'zipkin', set: Variables): boolean {
  const names = set(`OTEL_${signal.toUpperCase()}_EXPORTER`)?.split(',')
  return names === undefined || names.some((name) => name.trim() === exporter)
}

function otlpFrom(signal: OtlpSignal, set: Variables): readonly Destination[] {
  /** A signal's own variable comes before that of all. */
  const either = (what: string): Variable | undefined => {
    for (const name of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${what}`, `OTEL_EXPORTER_OTLP_${what}`]) {
      const value = set(name)
      if (value !== undefined) return { name, value }
    }
    return undefined
  }
  const endpoint = either('ENDPOINT')
  if (endpoint === undefined) return []
  const headers = either('HEADERS')
  const timeout = either('TIMEOUT')
  const compression = either('COMPRESSION')
  const protocol = protocolIn(either('PROTOCOL'))
  const certificates = certificatesIn(either)
  const interval = signal === 'metrics' ? set('OTEL_METRIC_EXPORT_INTERVAL') : undefined
  return [
    {
      kind: `otlp-${signal}`,
      url: protocol === 'grpc' ? grpcUrl(endpoint, either('INSECURE')) : httpUrl(endpoint, signal),
      ...(headers !== undefined && { headers: headersIn(headers) }),
      ...(timeout !== undefined && { timeoutMs: milliseconds(timeout) }),
      ...(protocol !== undefined && { protocol }),
      ...(compression !== undefined && { compression: compressionIn(compression) }),
      ...(certificates !== undefined && { certificates }),
      ...(interval !== undefined && { metricsEveryMs: milliseconds({ name: 'OTEL_METRIC_EXPORT_INTERVAL', value: interval }) }),
    },
  ]
}

/** A signal's own address is taken as it is; that of all is a base. */
function httpUrl({ name, value }: Variable, signal: OtlpSignal): string {
  return name.includes(signal.toUpperCase()) ? value : signalUrl(value, signal)
}

/** `HOST:PORT` is an address too, over TLS unless `INSECURE` says otherwise; a scheme says it by itself. */
function grpcUrl({ value }: Variable, insecure: Variable | undefined): string {
  if (/^https?:\/\//i.test(value)) return value
  return `${insecure?.value.toLowerCase() === 'true' ? 'http' : 'https'}://${value}`
}

function protocolIn(variable: Variable | undefined): OtlpProtocol | undefined {
  if (variable === undefined) return undefined
  const known = OTLP_PROTOCOLS.find((protocol) => protocol === variable.value)
  if (known !== undefined) return known
  throw new ConfigurationError(`${variable.name} is "${variable.value}". Use one of ${OTLP_PROTOCOLS.join(', ')}.`)
}

function compressionIn({ name, value }: Variable): Compression {
  if (value === 'gzip' || value === 'none') return value
  throw new ConfigurationError(`${name} is "${value}". Use gzip, or none.`)
}

function milliseconds({ name, value }: Variable): number {
  const ms = Number(value)
  // A timer of Node's takes no more.
  if (Number.isInteger(ms) && ms >= 1 && ms < 2 ** 31) return ms
  throw new ConfigurationError(`${name} is "${value}". It is a whole number of milliseconds, from 1.`)
}

const FILES = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' } as const

function certificatesIn(either: (what: string) => Variable | undefined): Certificates | undefined {
  const read = Object.entries(FILES).flatMap(([what, name]) => {
    const variable = either(name)
    return variable === undefined ? [] : [[what, textOf(variable)] as const]
  })
  return read.length === 0 ? undefined : Object.fromEntries(read)
}

function textOf({ name, value }: Variable): string {
  try {
    return readFileSync(value, 'utf8')
  } catch (cause) {
    throw new ConfigurationError(`${name} names the file ${value}, which cannot be read.`, { cause })
  }
}

/** `name=value` pairs with commas between, values percent-encoded, as in W3C Baggage. */
function headersIn({ name: variable, value: text }: Variable): Record<string, string> {
  // Without what it holds: that is usually a key.
  const unreadable = () =>
    new ConfigurationError(`${variable} is no list of headers. Write name=value, with commas between, and percent-encode values.`)
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^\s*([!#$%&'*+.^`|~\w-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
      if (name === undefined || value === undefined) throw unreadable()
      try {
        return [name, decodeURIComponent(value)]
      } catch {
        throw unreadable()
      }
    }),
  )
}
