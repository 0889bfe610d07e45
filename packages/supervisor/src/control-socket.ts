import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { InvalidInputError, SeaworthyError } from 'seaworthy/core'
import { onLines } from './lines.ts'

/** What the socket understands: one JSON object a line. */
export type ControlRequest =
  | { readonly command: 'status' }
  | { readonly command: 'restart'; readonly service: string }
  | { readonly command: 'stop' }

export type ControlAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } }

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
    if (error instanceof SeaworthyError) return { ok: false, error: { code: error.code, message: error.message } }
    return { ok: false, error: { code: 'internal', message: error instanceof Error ? error.message : String(error) } }
  }
}

function parse(line: string): ControlRequest {
  let request: { command?: unknown; service?: unknown } | null
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
    default:
      throw new InvalidInputError(`The supervisor knows the commands status, restart and stop, not ${JSON.stringify(request?.command)}.`, [
        { field: 'command', message: 'must be status, restart or stop' },
      ])
  }
}
