import { InvalidInputError } from 'seaworthy/core'
import { isFields } from './fields.ts'
import { fromJaeger, isJaeger } from './jaeger.ts'
import { fromZipkin, isZipkin } from './zipkin.ts'

export type Format = 'otlp' | 'jaeger' | 'zipkin'

/** A file of traces as a request of OTLP, which is not checked yet. @throws InvalidInputError naming what is understood */
export function readTraceFile(value: unknown): { readonly format: Format; readonly request: unknown } {
  if (isFields(value) && Array.isArray(value['resourceSpans'])) return { format: 'otlp', request: value }
  if (isZipkin(value)) return { format: 'zipkin', request: fromZipkin(value) }
  if (isJaeger(value)) return { format: 'jaeger', request: fromJaeger(value) }
  throw new InvalidInputError(
    'This is no file of traces that the console knows. It reads the JSON of OTLP (as it exports it), of Jaeger, and of Zipkin (version 2).',
    [{ field: 'body', message: 'is in no known format' }],
  )
}
