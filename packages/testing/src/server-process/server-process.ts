import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { type AddressInfo, Socket, createServer } from 'node:net'
import { createInterface } from 'node:readline'

/** What it takes to run a server as a child of this process. */
export interface ServerProgram {
  /** As people call it, for messages. */
  readonly name: string
  readonly command: readonly [program: string, ...flags: string[]]
  /** Its working directory, with its data. It is removed with all that is in it when the server is stopped, or this process dies. */
  readonly directory: string
  readonly environment?: NodeJS.ProcessEnv
  /** Whom it runs as. Default whoever runs the test. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  /** What ends it when its data is of no more use. Default TERM. */
  readonly endSignal?: 'TERM' | 'QUIT' | 'KILL'
  /** Whether a line of its output says that it answers now. */
  readonly isReady: (line: string) => boolean
  /** Whether a line of its output says that it never will. Default none does. */
  readonly hasFailed?: (line: string) => boolean
  /** Default 60,000. */
  readonly startTimeoutMs?: number
}

/** A server that runs on behalf of this process, and ends with it, however that ends. */
export interface ServerProcess {
  /** Of the server itself; another one after a `start`. */
  readonly pid: number
  /** Ends the server by a signal and keeps its data, as a crash or an orderly shutdown does. Settles when it has ended. */
  readonly kill: (signal: 'KILL' | 'TERM') => Promise<void>
  /** Starts it again on what it left. */
  readonly start: () => Promise<void>
  /** Ends it for good and removes its data. */
  readonly stop: () => Promise<void>
}

const REPORT = 'seaworthy-keeper: '

/**
 * The server runs under a shell that ends it and removes its data when its input closes: by `stop`, or because this process died,
 * a kill that it cannot notice included. Before that it takes orders, one a line: `start`, or the name of a signal. On the output,
 * between the lines of the server, it tells when the server started and ended: in one stream, so that its last words come before its end.
 * What does not end by its signal within 15 seconds is killed.
 */
const KEEPER = `
end_signal=$1; shift
run() { "$@" </dev/null 2>&1 & echo $! >server.pid; tell "started $!"; wait $!; tell "ended $!"; }
tell() { printf '\\n${REPORT}%s\\n' "$1"; }
end() {
  [ -s server.pid ] || return 0
  read -r pid <server.pid
  kill -"$1" "$pid" 2>/dev/null
  waits=0; while kill -0 "$pid" 2>/dev/null && [ $waits -lt 300 ]; do sleep 0.05; waits=$((waits + 1)); done
  kill -KILL "$pid" 2>/dev/null
  wait
}
while read -r order; do case $order in
  start) rm -f server.pid; run "$@" & while [ ! -s server.pid ]; do sleep 0.01; done;;
  *) end "$order";;
esac; done
end "$end_signal"; cd /; rm -rf "$OLDPWD"`

const LINES_KEPT = 50

/** Starts the server and waits until it answers. @throws Error with its last lines when it does not; its folder is then gone */
export async function startServer(program: ServerProgram): Promise<ServerProcess> {
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'sh', program.endSignal ?? 'TERM', ...program.command], {
    ...program.account,
    cwd: program.directory,
    env: program.environment ?? process.env,
    stdio: ['pipe', 'pipe', 'ignore'],
    // A Ctrl-C at the terminal is for the test; the server then ends with it.
    detached: true,
  })
  const server = new KeptServer(program, keeper)
  try {
    await server.start()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

class KeptServer implements ServerProcess {
  pid = 0
  readonly #program: ServerProgram
  readonly #keeper: ChildProcess
  readonly #exited: Promise<void>
  readonly #log: string[] = []
  #onLine: (line: string) => void = () => undefined
  // Settles when the server that was started last has ended, by itself or by order.
  #ended = Promise.withResolvers<void>()
  #started = Promise.withResolvers<void>()

  constructor(program: ServerProgram, keeper: ChildProcess) {
    this.#program = program
    this.#keeper = keeper
    this.#exited = new Promise((resolve) => {
      keeper.once('exit', () => resolve())
      keeper.once('error', (error) => {
        this.#log.push(String(error))
        resolve()
      })
    })
    // An order to a keeper that was killed: its exit tells.
    keeper.stdin!.on('error', () => undefined)
    createInterface({ input: keeper.stdout! }).on('line', (line) => {
      if (line.startsWith(REPORT)) this.#reported(line.slice(REPORT.length))
      else if (line !== '') {
        if (this.#log.push(line) > LINES_KEPT) this.#log.shift()
        this.#onLine(line)
      }
    })
  }

  #reported(report: string): void {
    const [state, pid] = report.split(' ')
    if (state === 'started') {
      this.pid = Number(pid)
      this.#started.resolve()
    } else this.#ended.resolve()
  }

  async start(): Promise<void> {
    const { name, isReady, hasFailed, startTimeoutMs = 60_000 } = this.#program
    const ready = Promise.withResolvers<void>()
    const fail = (what: string) => ready.reject(new Error(`${name} ${what}:\n${this.#log.join('\n')}`))
    this.#ref()
    this.#ended = Promise.withResolvers<void>()
    this.#started = Promise.withResolvers<void>()
    void Promise.race([this.#ended.promise, this.#exited]).then(() => fail('ended before it was ready'))
    this.#onLine = (line) => {
      if (isReady(line)) ready.resolve()
      if (hasFailed?.(line) === true) fail('did not start')
    }
    const patience = setTimeout(() => fail(`was not ready within ${startTimeoutMs} ms`), startTimeoutMs)
    this.#keeper.stdin!.write('start\n')
    try {
      await ready.promise
      // It may say that it answers before its keeper says that it started it.
      await this.#started.promise
    } finally {
      clearTimeout(patience)
      this.#onLine = () => undefined
      // From here on, a test that forgot the server may still end; the closing pipe then ends the server.
      this.#unref()
    }
  }

  async kill(signal: 'KILL' | 'TERM'): Promise<void> {
    this.#ref()
    this.#keeper.stdin!.write(`${signal}\n`)
    await Promise.race([this.#ended.promise, this.#exited])
    this.#unref()
  }

  async stop(): Promise<void> {
    this.#ref()
    this.#keeper.stdin!.end()
    await this.#exited
    rmSync(this.#program.directory, { recursive: true, force: true })
  }

  #ref(): void {
    this.#keeper.ref()
    for (const stream of this.#keeper.stdio) if (stream instanceof Socket) stream.ref()
  }

  #unref(): void {
    this.#keeper.unref()
    for (const stream of this.#keeper.stdio) if (stream instanceof Socket) stream.unref()
  }
}

const PORT_ATTEMPTS = 5

/** Starts a server on ports that are free; on others, when somebody took one between our look and the server's. */
export async function onFreePorts<T>(
  count: number,
  { start, isTaken }: { start: (ports: readonly number[]) => Promise<T>; isTaken: (message: string) => boolean },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await Promise.all(Array.from({ length: count }, freePort))
    try {
      return await start(ports)
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !isTaken(String(error))) throw error
    }
  }
}

/** A port that the operating system just gave out, and so will not give out again soon. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
