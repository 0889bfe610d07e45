import { context, isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, type LevelWithSilent, type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino'
import { currentContext } from 'seaworthy/core'
import { redactLine, redactValue } from './redaction.ts'
import { StandardOutput, standardOutput } from './standard-output.ts'

export interface LogOptions {
  readonly service: string
  readonly instance: string
  /** Default `info`. */
  readonly level?: LevelWithSilent
  /** Default: the process's standard output. A line is written when it is logged, and waits only for a reader of a pipe who does not keep up. */
  readonly destination?: DestinationStream
}

/**
 * A logger of JSON lines. Each has the correlation id of the work in progress, and trace and span id once tracing has been started.
 * Secrets are replaced by their names at any depth (authorization, cookie, password, token, card and their like) and, in text, by their form.
 */
export function createLogger({ service, instance, level = 'info', destination }: LogOptions): Logger {
  const options: LoggerOptions = {
    level,
    base: { service, instance },
    timestamp: stdTimeFunctions.isoTime,
    mixin: workInProgress,
    formatters: {
      level: (label) => ({ level: label }),
      log: redactFields,
    },
    // Pino's own serializer would take the fields apart again, after they were redacted.
    serializers: { err: (fields: unknown) => fields },
    hooks: { streamWrite: redactLine },
  }
  const printed = destination ?? standardOutput()
  const logger = redactChildren(pino(options, printed))
  if (printed instanceof StandardOutput)
    printed.onDropped = (lines) => logger.warn({ lines }, 'lines of the log were dropped: whoever reads standard output did not keep up')
  return logger
}

/** Pino formats the bindings of the first logger only. Loggers inherit from the one that they are children of, so that one override is enough. */
function redactChildren(logger: Logger): Logger {
  const child = Reflect.get(logger, 'child') as unknown as (this: Logger, bindings: Record<string, unknown>, options?: object) => Logger
  return Object.assign(logger, {
    child(this: Logger, bindings: Record<string, unknown>, options?: object): Logger {
      return child.call(this, redactFields(bindings), options)
    },
  })
}

function workInProgress(): object {
  const correlationId = currentContext()?.correlationId
  const span = trace.getSpanContext(context.active())
  return {
    ...(correlationId !== undefined && { correlationId }),
    ...(span !== undefined && isSpanContextValid(span) && { traceId: span.traceId, spanId: span.spanId }),
  }
}

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(fields)) {
    if (!(value instanceof Error)) continue
    copy ??= { ...fields }
    copy[name] = errorFields(value)
  }
  return redactValue(copy ?? fields) as Record<string, unknown>
}

const CAUSES_MAX = 5

/** What JSON leaves out of an error, with its causes, and the fields that its class added. */
function errorFields(error: Error, depth = 0): Record<string, unknown> {
  const { name: _name, message: _message, stack: _stack, cause: _cause, ...own } = error as Error & Record<string, unknown>
  return {
    type: error.name,
    message: error.message,
    ...own,
    ...(Array.isArray(own['errors']) && { errors: own['errors'].map((each: unknown) => nestedError(each, depth)) }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: nestedError(error.cause, depth) }),
  }
}

function nestedError(value: unknown, depth: number): unknown {
  if (!(value instanceof Error)) return value
  return depth < CAUSES_MAX ? errorFields(value, depth + 1) : `${value.name}: ${value.message}`
}
