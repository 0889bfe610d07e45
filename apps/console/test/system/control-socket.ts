import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseRunFile, type RunState } from '../../src/system/run-file.ts'

export interface Question {
  readonly service: string
  readonly question: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly by?: string
}

export interface ControlSocket {
  /** All that was asked, in order. */
  readonly asked: readonly Question[]
  /** What the console's parts are told of the system. */
  readonly system: { readonly runFile: string; readonly run: () => Promise<RunState> }
}

/** The control socket of a supervisor with these processes, by name and role, which answers as `answer` says. It ends with the test. */
export async function controlSocket(
  t: TestContext,
  processes: Readonly<Record<string, string>>,
  answer: (question: Question) => object,
): Promise<ControlSocket> {
  const folder = mkdtempSync(join(tmpdir(), 'console-control-'))
  const asked: Question[] = []
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (line) => {
      const question = JSON.parse(line.toString()) as Question
      asked.push(question)
      socket.write(`${JSON.stringify(answer(question))}\n`)
    })
  })
  const path = join(folder, 'control.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    for (const connection of connections) connection.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  const text = JSON.stringify({
    system: 'shop',
    supervisorPid: 1,
    controlSocket: path,
    processes: Object.entries(processes).map(([name, role]) => ({ name, role, pid: 1, startedAt: new Date(0).toISOString() })),
  })
  const runFile = join(folder, 'run.json')
  writeFileSync(runFile, text)
  return { asked, system: { runFile, run: async () => parseRunFile(text) } }
}
