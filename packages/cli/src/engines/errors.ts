import { SeaworthyError } from 'seaworthy/core'
import { type Engine, URL_VARIABLES } from './engine-settings.ts'

/** A server that the system is to stand on does not answer, or does not let us in. Nothing was started. */
export class EngineUnreachableError extends SeaworthyError {
  readonly engine: string

  constructor(engine: Engine, url: string, cause: unknown) {
    super('engine-unreachable', `${engine} cannot be used at ${withoutPassword(url)}: ${reasonOf(cause)} ${remedy(engine)}`, {
      executed: 'no',
      cause,
    })
    this.engine = engine
  }
}

export function remedy(engine: Engine): string {
  return `In a checkout, npm run servers -- up ${engine} starts one; elsewhere, say where it is by --engine-url ${engine}=URL or ${URL_VARIABLES[engine]}.`
}

/** A URL as it may be shown. */
function withoutPassword(text: string): string {
  return text.replace(/(?<=^[\w+]+:\/\/[^/@]*:)[^/@]*(?=@)/, '***')
}

function reasonOf(error: unknown): string {
  const text = error instanceof AggregateError ? String(error.errors[0]) : error instanceof Error ? error.message : String(error)
  return /[.?!]$/.test(text) ? text : `${text}.`
}
