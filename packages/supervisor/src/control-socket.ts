import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { InvalidInputError, SeaworthyError, executedOf } from 'seaworthy/core'
import type { AskedOfService } from './ask.ts'
import { CRASH_POINT, type Fault, LATENCY_MAX_MS, LOCK_MAX_MS } from './injected-faults.ts'
import { onLines } from './lines.ts'

/** What the socket understands: one JSON object a line. */
export type ControlRequest =
  | { readonly command: 'status' }
  | { readonly command: 'restart'; readonly service: string }
  | { readonly command: 'scale'; readonly service: string; readonly count: number }
  | { readonly command: 'fault'; readonly service: string; readonly fault: Fault }
  | ({ readonly command: 'ask' } & AskedOfService)
  | { readonly command: 'stop' }

export type ControlAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly executed: 'no' | 'maybe' | 'yes' } }

export type ControlHandler = (request: ControlRequest) => Promise<unknown>

// sun_path holds 108 bytes on Linux and 104 on macOS, its closing zero included.
const SOCKET_PATH_BYTES_MAX = 103

/** A socket in the data directory or, where that path is too long for a socket, in a private folder for temporary files. */
export class ControlSocket {
  readonly path: string
  readonly #server: Server
  readonly #temporaryFolder: string | undefined
  readonly #connections = new Set<Socket>()

  private constructor(path: string, server: Server, temporaryFolder: string | undefined) {
    this.path = path
    this.#server = server
    this.#temporaryFolder = temporaryFolder
  }

  /** The caller owns the data directory, so a socket that is already there is that of a dead supervisor. */
  static async listen(dataDir: string, handle: ControlHandler): Promise<ControlSocket> {
    const short = join(dataDir, 'control.sock')
    const temporaryFolder = Buffer.byteLength(short) > SOCKET_PATH_BYTES_MAX ? mkdtempSync(join(tmpdir(), 'seaworthy-')) : undefined
    const path = temporaryFolder === undefined ? short : join(temporaryFolder, 'control.sock')
    rmSync(path, { force: true })
    const server = createServer()
    const socket = new ControlSocket(path, server, temporaryFolder)
    server.on('connection', (connection) => socket.#serve(connection, handle))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // Binding happens in this very call, and nobody else may connect from its first moment on.
      const umask = process.umask(0o177)
      try {
        server.listen(path, resolve)
      } finally {
        process.umask(umask)
      }
    })
    chmodSync(path, 0o600)
    return socket
  }

  /** Accepts no more connections, and leaves no file. */
  close(): void {
    this.#server.close()
    if (this.#temporaryFolder !== undefined) rmSync(this.#temporaryFolder, { recursive: true, force: true })
    else rmSync(this.path, { force: true })
  }

  /** Ends every connection: who asked for a stop learns by it that all is over. */
  disconnect(): void {
    for (const connection of this.#connections) connection.destroy()
  }

  #serve(connection: Socket, handle: ControlHandler): void {
    this.#connections.add(connection)
    connection.once('close', () => this.#connections.delete(connection))
    connection.on('error', () => {})
    // One request after another, so that answers come in the order of the requests.
    let before: Promise<void> = Promise.resolve()
    const serve = async (line: string, previous: Promise<void>) => {
      await previous
      const answer = await answerTo(line, handle)
      if (connection.writable) connection.write(`${JSON.stringify(answer)}\n`)
    }
    onLines(connection, (line) => {
      before = serve(line, before)
    })
  }
}

/** Removes the folder that {@link ControlSocket.listen} made for a supervisor that was killed. */
export function removeAbandonedSocket(path: string): void {
  const folder = dirname(path)
  if (dirname(folder) === tmpdir() && /[/\\]seaworthy-\w{6}$/.test(folder)) rmSync(folder, { recursive: true, force: true })
}

async function answerTo(line: string, handle: ControlHandler): Promise<ControlAnswer> {
  try {
    return { ok: true, result: (await handle(parse(line))) ?? null }
  } catch (error) {
    const executed = executedOf(error)
    if (error instanceof SeaworthyError) return { ok: false, error: { code: error.code, message: error.message, executed } }
    return { ok: false, error: { code: 'internal', message: error instanceof Error ? error.message : String(error), executed } }
  }
}

function parse(line: string): ControlRequest {
  let request: ({ command?: unknown; fault?: unknown; count?: unknown } & { readonly [Field in keyof AskedOfService]?: unknown }) | null
  try {
    request = JSON.parse(line) as typeof request
  } catch (cause) {
    throw new InvalidInputError('A request to the supervisor is one JSON object on one line.', [], { cause })
  }
  switch (request?.command) {
    case 'status':
    case 'stop':
      return { command: request.command }
    case 'restart':
      if (typeof request.service === 'string') return { command: 'restart', service: request.service }
      throw new InvalidInputError('restart needs the name of a service.', [{ field: 'service', message: 'must be a string' }])
    case 'scale':
      if (typeof request.service === 'string' && typeof request.count === 'number')
        return { command: 'scale', service: request.service, count: request.count }
      throw new InvalidInputError('scale needs the name of a service, and how many of it are to run.', [
        { field: typeof request.service === 'string' ? 'count' : 'service', message: 'is missing, or of another type' },
      ])
    case 'fault':
      if (typeof request.service !== 'string') {
        throw new InvalidInputError('fault needs the name of a service.', [{ field: 'service', message: 'must be a string' }])
      }
      return { command: 'fault', service: request.service, fault: readFault(request.fault) }
    case 'ask':
      return { command: 'ask', ...parseAsked(request) }
    default:
      throw new InvalidInputError(
        `The supervisor knows the commands status, restart, scale, fault, ask and stop, not ${JSON.stringify(request?.command)}.`,
        [{ field: 'command', message: 'must be status, restart, scale, fault, ask or stop' }],
      )
  }
}

function readFault(fault: unknown): Fault {
  const { kind, ms, ratio, at } = (typeof fault === 'object' && fault !== null ? fault : {}) as Readonly<Partial<Record<string, unknown>>>
  switch (kind) {
    case 'latency':
      if (typeof ms === 'number' && ms >= 0 && ms <= LATENCY_MAX_MS) return { kind, ms }
      throw new InvalidInputError(`A latency is 0 to ${LATENCY_MAX_MS} ms.`, [{ field: 'fault.ms', message: 'is out of range' }])
    case 'errors':
      if (typeof ratio === 'number' && ratio >= 0 && ratio <= 1) return { kind, ratio }
      throw new InvalidInputError('A share of errors is 0 to 1.', [{ field: 'fault.ratio', message: 'is out of range' }])
    case 'lock':
      if (typeof ms === 'number' && ms > 0 && ms <= LOCK_MAX_MS) return { kind, ms }
      throw new InvalidInputError(`A lock is held for 1 to ${LOCK_MAX_MS} ms at a time.`, [
        { field: 'fault.ms', message: 'is out of range' },
      ])
    case 'crash':
      if (typeof at === 'string' && CRASH_POINT.test(at)) return { kind, at }
      throw new InvalidInputError('A point to crash at reads operation:label, as in event-log:append:before.', [
        { field: 'fault.at', message: 'is no point' },
      ])
    case 'pause':
    case 'kill':
    case 'clear':
      return { kind }
    default:
      throw new InvalidInputError(`The faults are latency, errors, lock, pause, kill, crash and clear, not ${JSON.stringify(kind)}.`, [
        { field: 'fault.kind', message: 'must be latency, errors, lock, pause, kill, crash or clear' },
      ])
  }
}

function parseAsked({ service, question, parameters, by }: { readonly [Field in keyof AskedOfService]?: unknown }): AskedOfService {
  if (typeof service !== 'string' || typeof question !== 'string')
    throw new InvalidInputError('ask needs the name of a service and a question.', [
      { field: typeof service === 'string' ? 'question' : 'service', message: 'must be a string' },
    ])
  if (typeof parameters !== 'object' || parameters === null || (by !== undefined && typeof by !== 'string'))
    throw new InvalidInputError('ask takes parameters as an object, and who asks as a text.', [
      { field: by !== undefined && typeof by !== 'string' ? 'by' : 'parameters', message: 'is of another type' },
    ])
  return { service, question, parameters: parameters as Readonly<Record<string, unknown>>, by }
}
