import { block, data, type FieldLine, OPENING, section } from './frames.ts'

/** Requests in HTTP/2 as the matrix writes them. */

export interface StreamRequest {
  /** In their order, which is part of what is asked. Undefined leaves one out. */
  readonly method?: string | undefined
  readonly scheme?: string | undefined
  readonly authority?: string | undefined
  readonly path?: string | undefined
  /** Behind the others. */
  readonly fields?: readonly FieldLine[]
  readonly body?: string
  readonly trailers?: readonly FieldLine[]
}

export function fieldsOf({ fields = [], ...request }: StreamRequest): readonly FieldLine[] {
  const defaults = { method: request.body === undefined ? 'GET' : 'POST', scheme: 'http', authority: 'a', path: '/m/x' }
  const pseudo = Object.entries({ ...defaults, ...request }).flatMap(([name, value]): FieldLine[] =>
    typeof value === 'string' && name in defaults ? [[`:${name}`, value]] : [],
  )
  return [...pseudo, ...fields]
}

/** A connection with one request. */
export function request(asked: StreamRequest = {}): string {
  const { body, trailers } = asked
  const head = section(block(fieldsOf(asked)), { ends: body === undefined && trailers === undefined })
  const content = body === undefined ? '' : data(body, { ends: trailers === undefined })
  return `${OPENING}${head}${content}${trailers === undefined ? '' : section(block(trailers))}`
}

/** A connection with one request whose fields are these and no others. */
export const raw = (...fields: readonly FieldLine[]): string => `${OPENING}${section(block(fields))}`

/** One with these fields behind the usual ones. */
export const field = (...fields: readonly FieldLine[]): string => request({ fields })

export const post = (body: string, ...fields: readonly FieldLine[]): string => request({ body, fields })
